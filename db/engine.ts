// PGlite with its files found from source and inside a compiled binary alike.
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import initdbWasm from '@electric-sql/pglite/initdb.wasm' with { type: 'file' };
import bundle from '@electric-sql/pglite/pglite.data' with { type: 'file' };
import postgresWasm from '@electric-sql/pglite/pglite.wasm' with { type: 'file' };

/** All of them are written to at the start, and resident from then on; what is read again the system has in memory anyway. */
const SHARED_BUFFERS = '16MB';

/** Starts a PostgreSQL engine inside this process: in memory, or on the files of `dataDir`. */
export async function startEngine(options: PGliteOptions): Promise<PGlite> {
  const [pgliteWasmModule, initdbWasmModule] = await Promise.all([compile(postgresWasm), compile(initdbWasm)]);
  return PGlite.create({
    ...options,
    startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`],
    pgliteWasmModule,
    initdbWasmModule,
    fsBundle: Bun.file(bundle),
  });
}

async function compile(path: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await Bun.file(path).arrayBuffer());
}
