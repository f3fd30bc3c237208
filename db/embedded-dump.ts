import { startEngine } from './engine';

/** The data directory of a fresh, empty database (tar, gzip): what `openEmbedded` starts from when it lies at `db/embedded.tar.gz`. */
export async function dumpEmbedded(): Promise<Blob> {
  const engine = await startEngine({});
  try {
    return await engine.dumpDataDir('gzip');
  } finally {
    await engine.close();
  }
}
