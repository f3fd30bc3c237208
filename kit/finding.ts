import { redactText } from './redact';

/** What was looked at, how it is, and what to do about it. */
export interface Finding {
  /** `configuration`, `data`, `port`, `server <url>`, `credential <name>`. */
  readonly area: string;
  /** What of it: `issuer`, `clock`. */
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** One sentence without a full stop. */
  readonly said: string;
  /** What to do; null when all is well. */
  readonly advice: string | null;
}

/** The findings about one area. */
export interface Report {
  ok(check: string, said: string): void;
  warn(check: string, said: string, advice: string): void;
  fail(check: string, said: string, advice: string): void;
}

/** A report that tells each finding as it is made. */
export function reportOn(area: string, tell: (finding: Finding) => void): Report {
  const add = (state: Finding['state']) => (check: string, said: string, advice: string | null) =>
    tell({ area, check, state, said: redactText(said), advice: advice === null ? null : redactText(advice) });
  return {
    ok: (check, said) => add('ok')(check, said, null),
    warn: add('warn'),
    fail: add('fail'),
  };
}

/** Green, bold, red (ECMA-48 §8.3.117). */
const TONES = { ok: 32, warn: 1, fail: 31 } as const;

/** The findings as lines, by area. Ends with a line feed. */
export function renderFindings(findings: readonly Finding[], colour: boolean): string {
  const lines = findings.flatMap(({ area, check, state, said, advice }, at) => [
    ...(area === findings[at - 1]?.area ? [] : [area]),
    `  ${paint(state, colour)}  ${check}: ${said}`,
    ...(advice === null ? [] : [`        → ${advice}`]),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

function paint(state: Finding['state'], colour: boolean): string {
  const text = state.padEnd(4);
  return colour ? `\u001b[${TONES[state]}m${text}\u001b[0m` : text;
}
