import { cleanFields, cleanText, type Fields } from './log-fields';

/** What a record carries beside its message. */
export type { Fields } from './log-fields';

/** From the most talkative to nothing at all. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
/** How much is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];
/** One JSON object a line for machines, or one readable line for people. */
export type LogFormat = 'json' | 'pretty';

type Write = (message: string, fields?: Fields) => void;

/** A structured log. Below its level a method does nothing and costs nothing. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** The same log with these fields on every record. */
  with(fields: Fields): Log;
}

/** What a log is made of; `write` receives one finished line without its line feed, `now` is in milliseconds. */
export interface LogOptions {
  readonly service: string;
  readonly version: string;
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly write: (line: string) => void;
  readonly now: () => number;
  readonly colour: boolean;
}

type Level = Exclude<LogLevel, 'silent'>;
type Render = (level: Level, message: string, bound: Fields, fields: Fields) => string;

/**
 * Makes a log in the names of the Elastic Common Schema. Secrets are redacted: fields whose name says so, tokens,
 * `Authorization` values, passwords in URLs; of a failed query only the SQLSTATE is told. Controls are escaped.
 */
export function createLog(options: LogOptions): Log {
  const render = options.format === 'json' ? jsonLine(options) : prettyLine(options);
  return bindLog(options, render, {});
}

function bindLog(options: LogOptions, render: Render, bound: Fields): Log {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const writer = (level: Level): Write => {
    if (LOG_LEVELS.indexOf(level) < threshold) return ignore;
    return (message, fields) => {
      options.write(render(level, cleanText(message), bound, fields === undefined ? NONE : cleanFields(fields)));
    };
  };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    with: (fields) => bindLog(options, render, { ...bound, ...cleanFields(fields) }),
  };
}

const NONE: Fields = {};
const ECS_VERSION = '8.17.0';

function ignore(): void {}

function jsonLine(options: LogOptions): Render {
  const service = { 'ecs.version': ECS_VERSION, 'service.name': options.service, 'service.version': options.version };
  return (level, message, bound, fields) => {
    const head = { '@timestamp': new Date(options.now()).toISOString(), 'log.level': level, message, ...service };
    // Twice: the first gives the order of the names, the second the values that no field may replace.
    return escapeUnseen(JSON.stringify({ ...head, ...bound, ...fields, ...head }));
  };
}

const COLOURS: Readonly<Record<Level, string>> = { debug: '90', info: '32', warn: '33', error: '31' };

function prettyLine({ now, colour }: LogOptions): Render {
  const paint = (code: string, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return (level, message, bound, fields) => {
    const head = `${paint('2', clockTime(now()))} ${paint(COLOURS[level], level.toUpperCase().padEnd(5))} `;
    const { 'error.stack_trace': stack, ...shown } = { ...bound, ...fields };
    // A person has read the message already, and nothing tells nothing.
    const news = Object.entries(shown).filter(([, value]) => value !== message && !isEmpty(value));
    const pairs = news.map(([key, value]) => ` ${paint('2', `${escapeControls(key)}=`)}${plain(value)}`);
    const frames = typeof stack === 'string' ? stack.split('\n') : [];
    return [
      head + escapeControls(message) + pairs.join(''),
      ...frames.map((frame) => paint('2', `               ${escapeControls(frame)}`)),
    ].join('\n');
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Hours to milliseconds in the time zone of the person who reads. */
function clockTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return escapeControls(typeof value === 'string' && /[\s"=]|^$/.test(text) ? JSON.stringify(text) : text);
}

// Controls could move the cursor of a terminal; line and direction marks could forge or hide a record.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding controls is what this is for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text in which every character that could steer a terminal is written as an escape. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) => {
    if (character === '\n') return '\\n';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

// JSON text has no raw controls below 0x20 left, so the same escapes stay valid JSON.
const escapeUnseen = escapeControls;
