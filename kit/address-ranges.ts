import { BlockList, isIP } from 'node:net';

/**
 * True for the addresses in these ranges: `10.0.0.0/8`, `fd00::/8` or one address. Each is taken as it is written: IPv4
 * inside of IPv6 is IPv6, and texts that are no address are in none.
 */
export function addressRanges(ranges: readonly string[]): (address: string) => boolean {
  // A list for each family: one that holds mapped addresses takes every IPv4 address for one of them.
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 4 ? 4 : 6;
    lists[family].addSubnet(address, bits === undefined ? (family === 4 ? 32 : 128) : Number(bits), `ipv${family}`);
  }
  return (address) => {
    const family = isIP(address);
    return (family === 4 || family === 6) && lists[family].check(address, `ipv${family}`);
  };
}

/** An IPv4 address as it is, also where a socket of both families shows it mapped into IPv6 (`::ffff:10.0.0.1`, RFC 4291 §2.5.5.2). */
export function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
