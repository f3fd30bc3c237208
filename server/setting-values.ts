// What settings of the server look like as text, and what becomes of it. Each throws an Error that says what is expected.
import { isIP } from 'node:net';
import { type Limit, parseLimit } from '../kit/limit';

/** An origin: paths would move the well-known documents (RFC 8414 §3.1), and there is no use for them here. */
export function baseUrl(given: string): string {
  const expected = 'a base URL without path, such as https://auth.example.com';
  if (!/^https?:\/\/\S+$/.test(given) || !URL.canParse(given)) throw new Error(expected);
  const { origin, pathname, search, hash, username, password } = new URL(given);
  if (pathname !== '/' || search + hash + username + password !== '') throw new Error(expected);
  return origin;
}

/** The base URL of a collector, without a slash at its end; headers that it wants come in the variables of OpenTelemetry. */
export function collectorUrl(given: string): string {
  const expected = 'a URL such as http://localhost:4318';
  if (!/^https?:\/\/\S+$/.test(given) || !URL.canParse(given)) throw new Error(expected);
  const { origin, pathname, search, hash, username, password } = new URL(given);
  if (search + hash + username + password !== '') throw new Error(expected);
  return origin + pathname.replace(/\/+$/, '');
}

/** Whether the way to PostgreSQL is encrypted, and the certificate checked, as libpq has it. */
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** What libpq takes in a URL beside that. Here PostgreSQL would be told it as a setting of the session, and end that. */
const OF_LIBPQ = /^(?:ssl(?:rootcert|cert|key|password|crl|crldir)|channel_binding|gssencmode|require_auth)$/;

/** `postgres://…`, as it was written. */
export function databaseUrl(given: string): string {
  const expected = 'a URL such as postgres://user:password@host:5432/database';
  if (!/^postgres(?:ql)?:\/\/\S+$/.test(given) || !URL.canParse(given)) throw new Error(expected);
  const parameters = new URL(given).searchParams;
  const unknown = [...parameters.keys()].find((name) => OF_LIBPQ.test(name));
  if (unknown !== undefined) throw new Error(`${expected} without ${unknown} (docs/tls.md)`);
  if (parameters.has('sslmode') && !SSL_MODES.includes(parameters.get('sslmode') ?? ''))
    throw new Error(`${expected}, with an sslmode of ${SSL_MODES.join(', ')}`);
  return given;
}

/** `redis://` or `rediss://` with a host, and at most user, password, port and the number of a database; as it was written. */
export function redisUrl(given: string): string {
  const expected = 'a URL such as redis://user:password@host:6379/0, or rediss://… with TLS';
  if (!/^rediss?:\/\/[^\s?#]+$/.test(given) || !URL.canParse(given)) throw new Error(expected);
  const { hostname, pathname } = new URL(given);
  if (hostname === '' || !/^\/?\d{0,5}$/.test(pathname)) throw new Error(expected);
  return given;
}

/** `100/s` → a limit. */
export function limit(given: string): Limit {
  const parsed = parseLimit(given);
  if (parsed === null) throw new Error('a limit such as 100/s, 10/m, 30/h or 1000/d');
  return parsed;
}

const DAY_MS = 86_400_000;

/** `400d` or `36h` → milliseconds; from an hour to a hundred years. */
export function retention(given: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})([hd])$/.exec(given) ?? [];
  const ms = Number(count) * (unit === 'd' ? DAY_MS : DAY_MS / 24);
  if (!(ms <= 36_500 * DAY_MS)) throw new Error('a time such as 400d or 36h');
  return ms;
}

/** The same from two days on: the figures of the last 24 hours are made of what is kept. */
export function candleRetention(given: string): number {
  const ms = retention(given);
  if (ms < 2 * DAY_MS) throw new Error('a time of 48h or longer, such as 90d');
  return ms;
}

/** The administrator's secret: it has to pass through a header, where spaces at the ends are cut off (RFC 9110 §5.5). */
export function headerSecret(given: string): string {
  if (!/^(?=[ -~]{16,1024}$)[!-~].*[!-~]$/.test(given))
    throw new Error('a secret of 16 to 1024 printable ASCII characters, without spaces at its ends');
  return given;
}

/** A token that can be sent as bearer: `b64token` (RFC 6750 §2.1). */
export function bearerToken(given: string): string {
  if (!/^(?=.{16,1024}$)[A-Za-z0-9._~+/-]+=*$/.test(given))
    throw new Error('a token of 16 to 1024 of A-Z a-z 0-9 - . _ ~ + /, with = at its end at most');
  return given;
}

/** An address or a range (`10.0.0.0/8`), as it was written. */
export function addressRange(given: string): string {
  const [address = '', bits, more] = given.split('/');
  const family = isIP(address);
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  if (family === 0 || !fits || more !== undefined) throw new Error('an IP address or a range such as 10.0.0.0/8');
  return given;
}

/** Checks a text and keeps it, so that it is shown as it was written. */
export function asWritten(parse: (given: string) => unknown): (given: string) => string {
  return (given) => {
    parse(given);
    return given;
  };
}
