import { useState } from 'preact/hooks';
import type { KeyView } from '../../../admin/contract';
import type { Page } from '../model';
import { relative, Time } from '../time';
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
  const { api, say } = useShell();
  const [open, setOpen] = useState<'rotate' | KeyView | null>(null);
  const list = useData('keys', (from) => from.get<Page<KeyView>>('keys'));
  const close = (): void => setOpen(null);
  const change = async (path: string, said: string): Promise<void> => {
    await api.send('POST', path);
    list.reload();
    say(said);
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
        <Confirm
          title="Rotate the signing key?"
          verb="Rotate now"
          danger={false}
          close={close}
          act={() => change('keys/rotate', 'The signing key is being rotated.')}
        >
          <p>A new key takes over. Tokens signed by the one of before stay good until they end.</p>
        </Confirm>
      )}
      {open !== null && open !== 'rotate' && (
        <Confirm
          title="Revoke this key?"
          verb="Revoke key"
          typed={open.kid}
          close={close}
          act={() =>
            change(`keys/${encodeURIComponent(open.kid)}/revoke`, 'The key is revoked; its tokens are refused.')
          }
        >
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
  const { now } = useShell();
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
        {text} <span class="quiet">{item.alg}</span>
      </p>
      <ol class="timeline" aria-label="Life of the key">
        {momentsOf(item).map(({ word, at }) => (
          <li key={word} data-past={at !== null && Date.parse(at) <= now()}>
            <strong>{word}</strong>
            <Time at={at} none="Not planned" />
            {at !== null && <small>{relative(at, now())}</small>}
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

function momentsOf(key: KeyView): { word: string; at: string | null }[] {
  const life = [
    { word: 'Published', at: key.created_at },
    { word: 'Signs from', at: key.active_from },
  ];
  if (key.revoked_at !== null) return [...life, { word: 'Revoked', at: key.revoked_at }];
  return [...life, { word: 'Retires', at: key.retired_at }, { word: 'Removed', at: key.removed_at }];
}
