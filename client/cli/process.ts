import type { Confirm } from '../../kit/confirm';
import type { Log } from '../../kit/logs';
import type { Output } from '../../kit/output';
import type { SignalSource } from '../../kit/stop';
import type { TlsFetch } from '../../kit/tls/own';
import type { Config, Configuration } from '../config';
import type { Surroundings } from '../services';
import type { Terminal } from '../watch/terminal';

/** What the commands take from the process they run in. */
export interface Process extends Omit<Surroundings, 'log' | 'fetch'> {
  readonly fetch: TlsFetch;
  readonly configure: () => Configuration;
  readonly openLog: (config: Config) => Log;
  readonly write: Output;
  readonly signals: SignalSource;
  readonly exit: (code: number) => never;
  readonly readFile: (path: string) => string;
  /** Writes a file for this user alone, in one piece. */
  readonly writeFile: (path: string, text: string) => void;
  /** All of standard input; null: it is a terminal. */
  readonly input: (() => Promise<string>) | null;
  /** Asks the person at the terminal; null: there is none. */
  readonly confirm: Confirm | null;
  /** Ends requests that are under way. */
  readonly abort: () => void;
  /** True when a person reads standard output. */
  readonly terminal: boolean;
  /** Where a full screen can be shown; null: nowhere. */
  readonly screen: Terminal | null;
  /** False when the person does not want colours. */
  readonly colour: boolean;
}

/** Flags of every command that prints something. */
export interface ReadFlags {
  readonly json?: true;
}
