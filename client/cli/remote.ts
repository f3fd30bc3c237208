import { Refusal } from '../../kit/command';
import { ownUrl } from '../serve';
import type { StatusReport } from '../status/report';
import { duration } from '../status/view';
import type { Process, ReadFlags } from './process';

/** A client that runs answers these at once; in milliseconds. */
const ANSWER_TIMEOUT_MS = 3_000;

/** `status`: how the running client is. */
export async function status(process: Process, { json }: ReadFlags): Promise<void> {
  const { answer, url } = await ask(process, '/api/status');
  const report = (await answer.json().catch(() => null)) as StatusReport | null;
  if (!answer.ok || report === null || typeof report.client_id !== 'string') {
    throw new Refusal(`${url} is not the status of a crypto-client: check HOST and PORT.`);
  }
  process.write.out(json ? `${JSON.stringify(report, null, 2)}\n` : describe(report));
}

/** `healthcheck`: exit code 0 when the running client takes requests. */
export async function healthcheck(process: Process, { json }: ReadFlags): Promise<void> {
  const { answer, url } = await ask(process, '/health/ready');
  const health: unknown = await answer.json().catch(() => null);
  if (json) process.write.out(`${JSON.stringify(health)}\n`);
  if (!answer.ok) throw new Refusal(`${url} answered ${answer.status}: the client is not ready.`);
  if (!json) process.write.out('ready\n');
}

async function ask(process: Process, path: string): Promise<{ answer: Response; url: string }> {
  const url = `${ownUrl(process.configure().config)}${path}`;
  const request = new Request(url, { signal: process.deadline(ANSWER_TIMEOUT_MS) });
  const answer = await process.fetch(request).catch(() => {
    throw new Refusal(`No answer from ${url}: is the client running with this HOST and PORT?`);
  });
  return { answer, url };
}

function describe(report: StatusReport): string {
  const { server, renewal, rates, credential } = report;
  const rows: [string, string | null][] = [
    ['server', `${report.server_url} (${server.state})`],
    ['client id', `${report.client_id} (${credential.origin}${credential.registered ? ', registered' : ''})`],
    ['token', report.token_expires_in === null ? 'none' : `ends in ${duration(report.token_expires_in)}`],
    ['next renewal', renewal.next_at],
    ['rates', rates.age_seconds === null ? 'none yet' : `${rates.count}, ${duration(rates.age_seconds)} old`],
    ['trouble', server.last_error ?? renewal.last_error],
    ['next attempt', server.next_attempt_at],
  ];
  const said = rows.filter((row): row is [string, string] => row[1] !== null);
  return said.map(([name, text]) => `${name.padEnd(12)}  ${text}\n`).join('');
}
