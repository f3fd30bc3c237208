// A real HAProxy in front of a server, with the very lines that docs/guide.md tells operators to write.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Made } from '../../kit/testing-certificates';
import { waitFor } from '../testing';

const GUIDE = join(import.meta.dir, '../../docs/guide.md');

/** The program, or null; Debian keeps it where only root looks. */
export const HAPROXY = Bun.which('haproxy', { PATH: `${process.env['PATH']}:/usr/sbin` });

/** True when this machine has HAProxy. */
export function hasHaproxy(): boolean {
  return HAPROXY !== null;
}

/** TLS on a port of this machine, in front of a server. */
export interface TlsProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** What to put in front of what. `tls` must be for `localhost`; `authorities` (PEM) are those of client certificates. */
export interface ProxyWanted {
  readonly port: number;
  readonly serverPort: number;
  readonly tls: Made;
  readonly authorities: string;
}

/** Starts HAProxy, and waits until the server answers through it. */
export async function startProxy({ port, serverPort, tls, authorities }: ProxyWanted): Promise<TlsProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'haproxy-'));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('server.pem'), tls.cert + tls.key, { mode: 0o600 });
  writeFileSync(at('clients-ca.pem'), authorities);
  const frontend = directivesOf(readFileSync(GUIDE, 'utf8'))
    .replace('bind :443', `bind 127.0.0.1:${port}`)
    .replaceAll(/\b(?:server|clients-ca)\.pem\b/g, at);
  writeFileSync(
    at('haproxy.cfg'),
    `defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend tls
${frontend}
  default_backend server
backend server
  server server 127.0.0.1:${serverPort}
`,
  );
  const proxy = Bun.spawn([HAPROXY ?? '', '-db', '-f', at('haproxy.cfg')], { stdout: 'ignore', stderr: 'ignore' });
  const url = `https://localhost:${port}`;
  const answers = () =>
    fetch(`${url}/health`, { tls: { ca: tls.cert }, keepalive: false }).then(
      ({ status }) => status === 200,
      () => false,
    );
  await waitFor(answers, 'HAProxy to answer');
  return {
    url,
    close: async () => {
      proxy.kill('SIGKILL');
      await proxy.exited;
      rmSync(folder, { recursive: true });
    },
  };
}

/** The lines of the guide's block of HAProxy configuration. */
function directivesOf(guide: string): string {
  const [, lines] = /^```haproxy\n(.+?)\n```$/ms.exec(guide) ?? [];
  if (lines === undefined) throw new Error('docs/guide.md has no block of HAProxy configuration.');
  return lines;
}
