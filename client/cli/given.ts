import { Refusal } from '../../kit/command';
import { checkBody } from '../../kit/http/json';
import { NewCredential } from '../credentials/model';
import type { AddFlags } from './credentials';
import type { Process } from './process';

/** What somebody gives by flags, files and standard input, checked as the API checks it. @throws Refusal */
export async function readGiven(name: string, flags: AddFlags, process: Process): Promise<NewCredential> {
  const { secretFile, keyFile, server, serverIssuer, json: _, id, ...rest } = flags;
  if (secretFile !== undefined && keyFile !== undefined)
    throw new Refusal('A credential has a secret or a key: name one file, not two.');
  const wantsSecret = id !== undefined && keyFile === undefined && flags.method !== 'private_key_jwt';
  const secret = secretFile ?? (wantsSecret ? '-' : undefined);
  const given = {
    ...rest,
    name,
    ...(id === undefined ? {} : { client_id: id }),
    ...(server === undefined ? {} : { servers: [...server] }),
    ...(serverIssuer === undefined ? {} : { issuer: serverIssuer }),
    ...(secret === undefined ? {} : { client_secret: await read(secret, 'secret', process) }),
    ...(keyFile === undefined ? {} : { private_key: await read(keyFile, 'key', process) }),
  };
  const checked = checkBody(NewCredential, given);
  if ('value' in checked) return checked.value;
  const { path, detail } = checked.fault;
  throw new Refusal(`${path.slice(1) || 'What was given'} ${detail}.`);
}

async function read(path: string, what: 'secret' | 'key', { input, readFile }: Process): Promise<string> {
  if (path === '-' && input === null)
    throw new Refusal(`The ${what} is read from standard input: pipe it in, or name a file by --${what}-file.`);
  try {
    const text = path === '-' && input !== null ? await input() : readFile(path);
    return what === 'secret' ? text.replace(/\r?\n$/, '') : text;
  } catch {
    throw new Refusal(`${path} cannot be read.`);
  }
}
