import { useEffect, useState } from 'preact/hooks';
import type { KeyView } from '../../../admin/contract';
import type { Page } from '../model';
import { momentText, relative, TimeAgo, useNow } from '../time';
import { Confirm } from '../ui/dialog';
import { Heading } from '../ui/heading';
import { Badge, Empty, Notice, Show, type Tone } from '../ui/notice';
import { useData, useShell } from '../ui/shell';

type State = KeyView['state'];

const STATES: Readonly<Record<State, { tone: Tone; name: string; text: string }>> = {
  next: { tone: 'plain', name: 'Next', text: 'Published, so that caches know it before it signs.' },
  active: { tone: 'good', name: 'Active', text: 'Signs every new token.' },
  retiring: { tone: 'wait', name: 'Retiring', text: 'Signs no more; the tokens it signed are still good.' },
  revoked: { tone: 'bad', name: 'Revoked', text: 'Every token that it signed is refused.' },
};

/** The keys that sign tokens, each with where it is in its life. */
export function Keys() {
  const { api, say, now } = useShell();
  const [open, setOpen] = useState<'rotate' | KeyView | null>(null);
  const list = useData('keys', (from) => from.get<Page<KeyView>>('keys'));
  const close = (): void => setOpen(null);
  useTurn(list.data?.items ?? [], list.reload);
  const rotateNow = async (): Promise<void> => {
    const changed = await api.send<Page<KeyView>>('POST', 'keys/rotate');
    list.put(changed);
    say(takeOver(list.data?.items ?? [], changed.items, now()));
  };
  const revoke = async ({ kid }: KeyView): Promise<void> => {
    list.put(await api.send<Page<KeyView>>('POST', `keys/${encodeURIComponent(kid)}/revoke`));
    say('The key is revoked; its tokens are refused.');
  };
  const rotate = (
    <button type="button" class="primary" onClick={() => setOpen('rotate')}>
      Rotate now
    </button>
  );
  return (
    <>
      <Heading title="Signing keys" actions={rotate}>
        <p class="quiet">They rotate by themselves. Rotate by hand when a policy asks for it.</p>
      </Heading>
      <Show of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>There is no key yet. The server makes one with its first token.</Empty>
          ) : (
            <ol class="keys">
              {items.map((key) => (
                <KeyCard key={key.kid} item={key} revoke={() => setOpen(key)} />
              ))}
            </ol>
          )
        }
      </Show>
      {open === 'rotate' && (
        <Confirm title="Rotate the signing key?" verb="Rotate now" danger={false} close={close} act={rotateNow}>
          <p>
            The next key takes over as soon as every cache must know it, which is at most ten minutes from now. Tokens
            that the present one signed stay good until they end.
          </p>
        </Confirm>
      )}
      {open !== null && open !== 'rotate' && (
        <Confirm title="Revoke this key?" verb="Revoke key" typed={open.kid} close={close} act={() => revoke(open)}>
          <Notice tone="bad">
            <p>
              For emergencies: <strong>every token that this key signed is refused at once</strong>, of all clients.
              They have to ask for new ones.
            </p>
          </Notice>
        </Confirm>
      )}
    </>
  );
}

function KeyCard({ item, revoke }: { item: KeyView; revoke: () => void }) {
  const nowMs = useNow();
  const { tone, name, text } = STATES[item.state];
  return (
    <li class="card">
      <div class="above">
        <h2>
          <code>{item.kid}</code>
        </h2>
        <Badge tone={tone}>{name}</Badge>
      </div>
      <p>
        {hasSigned(item) ? text : 'It was revoked before it signed anything.'} <span class="quiet">{item.alg}</span>
      </p>
      <ol class="timeline" aria-label="Life of the key">
        {momentsOf(item).map(({ word, at }) => (
          <li key={word} data-past={Date.parse(at) <= nowMs}>
            <strong>{word}</strong>
            <TimeAgo at={at} />
          </li>
        ))}
      </ol>
      {item.state !== 'revoked' && (
        <button type="button" class="danger" onClick={revoke}>
          Revoke<span class="hidden"> key {item.kid}</span>
        </button>
      )}
    </li>
  );
}

/** What there is to say of the life of a key; what nobody can say yet is left out. */
function momentsOf(key: KeyView): { word: string; at: string }[] {
  const moments = [
    { word: 'Published', at: key.created_at },
    { word: 'Signs from', at: hasSigned(key) ? key.active_from : null },
    { word: 'Revoked', at: key.revoked_at },
    { word: 'Retires', at: key.revoked_at === null ? key.retired_at : null },
    { word: 'Removed', at: key.removed_at },
  ];
  return moments.flatMap(({ word, at }) => (at === null ? [] : [{ word, at }]));
}

/** False for a key that was revoked before its time. */
function hasSigned({ active_from, revoked_at }: KeyView): boolean {
  return revoked_at === null || revoked_at > active_from;
}

/** What a rotation has led to: who takes over, and when. */
function takeOver(before: readonly KeyView[], after: readonly KeyView[], nowMs: number): string {
  const signing = (keys: readonly KeyView[]) => keys.find(({ state }) => state === 'active')?.kid;
  const [next] = after.filter(({ state }) => state === 'next').sort((a, b) => (a.active_from < b.active_from ? -1 : 1));
  if (next === undefined || signing(before) !== signing(after)) return 'The next key signs from now on.';
  return `The next key takes over ${momentText(next.active_from)}, ${relative(next.active_from, nowMs)}.`;
}

const LOOK_MAX_MS = 3_600_000; // a timer that is set for longer may be as wrong as the clock that it was set by
const SETTLE_MS = 500; // the server's clock may be a little behind

/** Loads anew when the next key takes over. */
function useTurn(keys: readonly KeyView[], reload: () => void): void {
  const { now } = useShell();
  const [looks, setLooks] = useState(0);
  const turnMs = Math.min(
    ...keys.filter(({ state }) => state === 'next').map(({ active_from }) => Date.parse(active_from)),
  );
  useEffect(() => {
    if (!Number.isFinite(turnMs)) return;
    const left = turnMs - now() + SETTLE_MS;
    const due = left <= LOOK_MAX_MS;
    const look = (): void => (due ? reload() : setLooks(looks + 1));
    const timer = setTimeout(look, Math.max(SETTLE_MS, Math.min(left, LOOK_MAX_MS)));
    return () => clearTimeout(timer);
  }, [turnMs, looks, now, reload]);
}
