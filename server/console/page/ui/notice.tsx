import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api';
import type { Loaded } from './shell';

/** The colour of a badge or notice: what it means, never how it looks. */
export type Tone = 'good' | 'wait' | 'bad' | 'plain';

/** A state in one or two words. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class="badge" data-tone={tone}>
      {children}
    </span>
  );
}

/** A few words that must not be missed. */
export function Notice({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <div class="notice" data-tone={tone}>
      {children}
    </div>
  );
}

/** What the server refused and by which id the operator finds the cause; nothing when there is no error. */
export function Failure({ error, retry }: { error: ApiError | null; retry?: () => void }) {
  if (error === null) return null;
  return (
    <div class="notice" data-tone="bad" role="alert">
      <p>{error.message}</p>
      {error.requestId !== null && error.status !== 0 && (
        <p class="small">
          Request id <code>{error.requestId}</code>
        </p>
      )}
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Nothing here yet, and what to do about it. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** Shows loaded data, or that it is on its way, or why it is not there. */
export function Show<Data>({ of, children }: { of: Loaded<Data>; children: (data: Data) => ComponentChildren }) {
  if (of.data === null && of.error === null) {
    return (
      <div class="loading" role="status">
        <span class="hidden">Loading</span>
      </div>
    );
  }
  return (
    <div class="shown" aria-busy={of.busy}>
      <Failure error={of.error} retry={of.reload} />
      {of.data !== null && children(of.data)}
    </div>
  );
}
