import { Refusal } from '../../kit/command';
import { askRunning, checkHealth } from '../../kit/commands';
import { localUrl } from '../../kit/http/listen';
import { createOwnFetch } from '../../kit/tls/own';
import { askingHeaders } from '../access/password';
import { duration } from '../status/duration';
import type { StatusReport } from '../status/report';
import type { Process, ReadFlags } from './process';

/** `status`: how the running client is. */
export async function status(process: Process, { json }: ReadFlags): Promise<void> {
  const { config } = process.configure();
  const url = localUrl(config);
  const headers = askingHeaders(config);
  const fetch = createOwnFetch(process.fetch, config.tls, 'secret');
  const answer = await askRunning({ fetch, url }, '/api/status', { headers });
  if (answer.status === 401) throw new Refusal(PASSWORD_NEEDED);
  const report = (await answer.json().catch(() => null)) as StatusReport | null;
  if (!answer.ok || report === null || typeof report.client_id !== 'string') {
    throw new Refusal(`${url}/api/status is not the status of a crypto-client: check HOST and PORT.`);
  }
  process.write.out(json ? `${JSON.stringify(report, null, 2)}\n` : describe(report));
}

/** `healthcheck`: exit code 0 when the running client takes requests. */
export function healthcheck(process: Process, { json = false }: { json?: boolean }): Promise<void> {
  const { config } = process.configure();
  const fetch = createOwnFetch(process.fetch, config.tls, 'health');
  return checkHealth({ fetch, write: process.write, url: localUrl(config), json });
}

const PASSWORD_NEEDED =
  'The running client asks for another password: set DASHBOARD_PASSWORD, or DATA_DIR to its folder, as it has them.';

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
