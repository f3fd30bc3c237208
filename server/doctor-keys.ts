import type { Database } from '../db/connect';
import type { Report } from '../kit/finding';
import type { Config } from './config';
import { keyOfFile } from './doctor-machine';
import { nextTurnMs, signingKey, stateOf } from './tokens/key-schedule';
import { createKeyStore } from './tokens/store';
import { createBox } from './vault/box';
import { sealName } from './vault/service';
import { createVaultStore } from './vault/store';

/** What the keys are looked at with. */
export interface KeysProcess {
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
}

const DAY_MS = 86_400_000;

/** Whether all that is encrypted opens, and which key signs. */
export async function checkKeys(
  database: Database,
  config: Config,
  process: KeysProcess,
  report: Report,
): Promise<void> {
  await checkSealed(database, config, process, report);
  await checkSigning(database, process.now(), report);
}

async function checkSealed(
  { rows }: Database,
  config: Config,
  { now, randomBytes }: KeysProcess,
  report: Report,
): Promise<void> {
  const keys = [config.keyEncryptionKey ?? keyOfFile(config), config.previousKeyEncryptionKey].filter(
    (key) => key !== null,
  );
  const boxes = keys.map((key) => createBox(key, randomBytes));
  let all = 0;
  let shut = 0;
  await createVaultStore(rows).change((sealed) => {
    all = sealed.length;
    shut = sealed.filter((row) => boxes.every((box) => box.open(row.sealed, sealName(row)) === null)).length;
    return { made: [], resealed: [] };
  }, new Date(now()));
  if (shut > 0)
    report.fail(
      'keys',
      `${shut} of ${all} do not open`,
      'give the key that they were encrypted with as KEY_ENCRYPTION_KEY',
    );
  else report.ok('keys', `all ${all} open`);
}

async function checkSigning({ rows }: Database, nowMs: number, report: Report): Promise<void> {
  const keys = await createKeyStore(rows).all();
  const able = keys.filter(({ privateKey }) => privateKey !== null);
  const signing = signingKey(able, nowMs);
  if (keys.length === 0) report.ok('signing', 'there is no key yet; the first start makes one');
  else if (signing === undefined || stateOf(signing, nowMs) !== 'active')
    report.warn('signing', 'no key signs at the moment', 'a start makes one; should a server run, look at its log');
  else {
    const days = Math.floor((nowMs - signing.activeFrom.getTime()) / DAY_MS);
    const said = `a key for ${signing.alg} has signed for ${days} days`;
    const turnMs = nextTurnMs(keys, nowMs);
    if (Number.isFinite(turnMs))
      report.ok('signing', `${said}; the next takes over on ${new Date(turnMs).toISOString()}`);
    else report.warn('signing', `${said}, and none follows`, 'a running server makes the next: look at its log');
  }
}
