import { isIP } from 'node:net';
import type { Report } from '../../kit/finding';
import { isLoopbackName } from '../../kit/http/origin';
import { readObject, sayNetworkError } from '../auth/answer';
import { discovery } from '../auth/discovery';
import { TokenError } from '../auth/token';
import type { Clock, Deadline, Fetch } from '../ports';
import { codeOf, type Network } from './network';

/** What a server is looked at with. */
export interface ServerDeps {
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Clock;
  readonly lookup: (host: string) => Promise<readonly string[]>;
  readonly network: Pick<Network, 'connect' | 'certificate'>;
}

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS = 5_000;

/** A certificate is renewed a month before its end, or a day when it is short; a week left means that nobody does. */
const CERTIFICATE_DAYS_LOW = 7;

/** Clocks this far apart, in seconds, still do: assertions and proofs live for a minute and more. */
const SKEW_SECONDS = { warn: 30, fail: 300 } as const;

const DAY_MS = 86_400_000;

/** From the name to the clock: each step stands on the one before. @returns whether the server answers. */
export async function checkServer(url: string, issuer: string, deps: ServerDeps, report: Report): Promise<boolean> {
  const { hostname, protocol, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  if (!(await checkName(host, deps, report))) return false;
  if (!(await checkConnection(host, number, deps, report))) return false;
  if (protocol === 'https:') {
    if (!(await checkCertificate(host, number, deps, report))) return false;
  } else if (!isLoopbackName(hostname))
    report.warn('tls', 'plain http beyond this machine', 'use https: secrets and tokens can be read on the way');
  if (!(await checkHealth(url, deps, report))) return false;
  return checkIssuer(url, issuer, deps, report);
}

async function checkName(host: string, { lookup }: ServerDeps, report: Report): Promise<boolean> {
  if (isIP(host) !== 0) return true;
  try {
    const addresses = await lookup(host);
    report.ok('dns', `${host} is ${addresses.join(', ')}`);
    return true;
  } catch (error) {
    const advice = 'check the name in CRYPTO_SERVER_URL, and the name servers of this machine';
    report.fail('dns', `${host} is not found (${codeOf(error)})`, advice);
    return false;
  }
}

async function checkConnection(host: string, port: number, deps: ServerDeps, report: Report): Promise<boolean> {
  const startedMs = deps.clock.elapsed();
  try {
    await deps.network.connect(host, port);
    report.ok('tcp', `port ${port} answers after ${Math.round(deps.clock.elapsed() - startedMs)} ms`);
    return true;
  } catch (error) {
    const advice = 'start the server, or set CRYPTO_SERVER_URL to where it is; a firewall on the way may be closed';
    report.fail('tcp', `no connection to port ${port} (${codeOf(error)})`, advice);
    return false;
  }
}

async function checkCertificate(host: string, port: number, deps: ServerDeps, report: Report): Promise<boolean> {
  try {
    const { endsAtMs, untrusted, otherName } = await deps.network.certificate(host, port);
    const days = Math.floor((endsAtMs - deps.clock.now()) / DAY_MS);
    if (days < 0) report.fail('tls', `the certificate ended ${-days} days ago`, 'renew it on the server');
    else if (otherName !== null) report.fail('tls', `the certificate is for another name (${otherName})`, OTHER_NAME);
    else if (untrusted !== null) report.fail('tls', `the certificate is not trusted (${untrusted})`, UNTRUSTED);
    else if (days < CERTIFICATE_DAYS_LOW)
      report.warn('tls', `the certificate ends in ${days} days`, 'see why it is not renewed on the server');
    else report.ok('tls', `the certificate is trusted, and ends in ${days} days`);
    return days >= 0 && otherName === null && untrusted === null;
  } catch (error) {
    report.fail('tls', `port ${port} does not speak TLS (${codeOf(error)})`, 'use http:// there, or the port of https');
    return false;
  }
}

const OTHER_NAME = 'use the name of the certificate in CRYPTO_SERVER_URL, and set ISSUER to the one of the server';
const UNTRUSTED = 'set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority';

async function checkHealth(url: string, { fetch, deadline, clock }: ServerDeps, report: Report): Promise<boolean> {
  const [beforeMs, startedMs] = [clock.now(), clock.elapsed()];
  try {
    const answer = await fetch(new Request(`${url}/health`, { signal: deadline(ANSWER_MS), redirect: 'manual' }));
    const isClient = (await readObject(answer))?.['service'] === 'crypto-client';
    if (isClient) report.fail('health', 'it is a crypto-client that answers there', CLIENT_ADVICE);
    else if (answer.ok) report.ok('health', 'the server is well');
    else report.fail('health', `/health is answered with status ${answer.status}`, HEALTH_ADVICE);
    checkClock(answer.headers.get('date'), beforeMs + (clock.elapsed() - startedMs) / 2, report);
    return answer.ok && !isClient;
  } catch (error) {
    report.fail('health', sayNetworkError(error, url), HEALTH_ADVICE);
    return false;
  }
}

const CLIENT_ADVICE = 'set CRYPTO_SERVER_URL to the server, whose port is 8000 unless it was set';
const HEALTH_ADVICE = 'see the log of the server; if another program answers there, set CRYPTO_SERVER_URL';

/** `Date` has whole seconds: it was up to one later than it says. */
function checkClock(date: string | null, nowMs: number, report: Report): void {
  const theirsMs = Date.parse(date ?? '');
  if (Number.isNaN(theirsMs)) {
    report.ok('clock', 'the server does not tell its time');
    return;
  }
  const seconds = Math.round((nowMs - theirsMs - 500) / 1000);
  const apart = Math.abs(seconds);
  const said = `this machine is ${apart} s ${seconds > 0 ? 'ahead of' : 'behind'} the server`;
  const advice = 'set the clock that is wrong by NTP (timedatectl shows this one)';
  if (apart > SKEW_SECONDS.fail) report.fail('clock', said, advice);
  else if (apart > SKEW_SECONDS.warn) report.warn('clock', said, advice);
  else report.ok('clock', apart <= 1 ? 'the same time as the server' : said);
}

async function checkIssuer(url: string, issuer: string, deps: ServerDeps, report: Report): Promise<boolean> {
  try {
    const { style } = await discovery({ ...deps, serverUrl: url, issuer })();
    if (style === 'json')
      report.ok('issuer', 'the server has no metadata: tokens are asked for by the short JSON form');
    else report.ok('issuer', `the metadata name ${issuer}`);
    return true;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    report.fail('issuer', 'the metadata cannot be used', error.message);
    return false;
  }
}
