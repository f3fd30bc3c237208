import { dlopen, FFIType, ptr } from 'bun:ffi';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Says to the kernel which of several listeners on one port takes every new connection: the one that came to be `index` others
 * later. @returns false where that cannot be said; the kernel then spreads new connections over all of them.
 */
export type Steer = (port: number, index: number) => boolean;

/** `SOL_SOCKET` and `SO_ATTACH_REUSEPORT_CBPF` of Linux (socket(7)), the same on x86-64 and arm64. */
const SOL_SOCKET = 1;
const SO_ATTACH_REUSEPORT_CBPF = 51;

/** `BPF_RET | BPF_K`: the one instruction of the program, which gives the index that stands in it. */
const BPF_RETURN = 0x06;

/**
 * On Linux. The listeners share the port by `SO_REUSEPORT`, and a program of one instruction chooses among them. It is said
 * through the C library, since no interface of Bun reaches the options of a listening socket. Without it a connection that the
 * old listener has not yet accepted would be reset when that one closes.
 */
export function steerOnLinux(port: number, index: number): boolean {
  try {
    const { mine, all } = listenersOn(port);
    // The port is shared with other processes: all of them take part in the choice, so it stays as it is.
    if (mine[0] === undefined || mine.length !== all) return false;
    return attach(mine[0], index);
  } catch {
    return false;
  }
}

/** The descriptors of this process that listen on the port, and how many listeners there are in all. */
function listenersOn(port: number): { readonly mine: number[]; readonly all: number } {
  const inodes = new Set<string>();
  for (const table of ['tcp', 'tcp6']) {
    for (const row of readFileSync(`/proc/self/net/${table}`, 'utf8').split('\n').slice(1)) {
      const columns = row.trim().split(/\s+/);
      const [, local = '', , state, , , , , , inode = ''] = columns;
      if (state === LISTENING && Number.parseInt(local.split(':')[1] ?? '', 16) === port) inodes.add(inode);
    }
  }
  const mine = readdirSync('/proc/self/fd').filter((name) => inodes.has(inodeOf(name)));
  return { mine: mine.map(Number), all: inodes.size };
}

/** `TCP_LISTEN` in /proc/net/tcp. */
const LISTENING = '0A';

/** The inode of a socket; empty for descriptors of other kinds. */
function inodeOf(descriptor: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1] ?? '';
  } catch {
    // The folder was listed through a descriptor that is closed again.
    return '';
  }
}

function attach(descriptor: number, index: number): boolean {
  const libc = dlopen('libc.so.6', {
    setsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  });
  try {
    // struct sock_filter { u16 code; u8 jt, jf; u32 k; }
    const instruction = Buffer.alloc(8);
    instruction.writeUInt16LE(BPF_RETURN, 0);
    instruction.writeUInt32LE(index, 4);
    // struct sock_fprog { u16 len; struct sock_filter *filter; }
    const program = Buffer.alloc(16);
    program.writeUInt16LE(1, 0);
    program.writeBigUInt64LE(BigInt(ptr(instruction)), 8);
    return (
      libc.symbols.setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(program), program.byteLength) === 0
    );
  } finally {
    libc.close();
  }
}
