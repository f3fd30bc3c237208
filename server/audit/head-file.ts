import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { privateFolder, replacePrivateFile } from '../../kit/secret-file';
import { headText, type KeptHead, readHead } from './head';

/** The head in a file of this server. Deleting the file forgets it; what is no head in it counts as none. */
export function createHeadFile(path: string): KeptHead {
  return {
    read: () => (existsSync(path) ? readHead(readFileSync(path, 'utf8').trim()) : null),
    write: (head) => {
      privateFolder(dirname(path));
      replacePrivateFile(path, `${headText(head)}\n`);
    },
  };
}
