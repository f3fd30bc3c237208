// PGlite with its files found from source and inside a compiled binary alike, and with room for others between its queries.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import initdbWasm from '@electric-sql/pglite/initdb.wasm' with { type: 'file' };
import bundle from '@electric-sql/pglite/pglite.data' with { type: 'file' };
import postgresWasm from '@electric-sql/pglite/pglite.wasm' with { type: 'file' };

/** All of them are written to at the start, and resident from then on; what is read again the system has in memory anyway. */
const SHARED_BUFFERS = '16MB';

/** Starts a PostgreSQL engine inside this process: in memory, or on the files of `dataDir`. */
export async function startEngine(options: PGliteOptions): Promise<PGlite> {
  const [pgliteWasmModule, initdbWasmModule] = await Promise.all([compile(postgresWasm), compile(initdbWasm)]);
  const engine = await PGlite.create({
    ...options,
    startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`],
    pgliteWasmModule,
    initdbWasmModule,
    fsBundle: Bun.file(bundle),
  });
  return takingTurns(engine);
}

/**
 * Every query, in a transaction or not, is asked through this function of the engine. It is answered without a return to the
 * event loop, and so is the next one: without a turn for all others before each of them, whoever asks for one thing after
 * another has the whole process to himself.
 */
function takingTurns(engine: PGlite): PGlite {
  const exclusively = engine._runExclusiveQuery.bind(engine);
  engine._runExclusiveQuery = (query) =>
    exclusively(async () => {
      await nextTurn();
      return query();
    });
  return engine;
}

async function compile(path: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await Bun.file(path).arrayBuffer());
}
