import { useState } from 'preact/hooks';
import type { DeadLetters } from '../../src/client/types.generated.js';
import { streams } from '../../src/wire/streams.js';
import { setQuery } from '../app/router.js';
import { Card, Empty, Input, Loaded, plain, Select, Skeleton, Table, Time, Untrusted } from '../parts/index.js';
import { usePaged } from './as-operator.js';
import { Filters, More } from './parts.js';

type Letter = DeadLetters['items'][number];
const names: readonly string[] = Object.values(streams);

/** Messages of providers that had no effect, and why. Agents repeat what matters, so they are only read. */
export function LettersView({ query }: { query: URLSearchParams }) {
  const stream = names.find((name) => name === query.get('stream'));
  const providerId = query.get('provider') ?? '';
  const [typed, setTyped] = useState(providerId);
  const letters = usePaged<Letter>(
    `letters:${stream ?? ''}:${providerId}`,
    async (client, cursor) =>
      (await client.admin
        .deadLetters({ ...(stream === undefined ? {} : { stream }), ...(providerId === '' ? {} : { providerId }) })
        .page(cursor)) as { items: Letter[]; next?: string },
    30_000,
  );
  return (
    <div class="stack">
      <Filters
        onApply={() => setQuery({ provider: typed.trim() })}
        onClear={
          stream === undefined && providerId === ''
            ? undefined
            : () => {
                setTyped('');
                setQuery({ stream: undefined, provider: undefined });
              }
        }
      >
        <Select
          label="Stream"
          value={stream ?? ''}
          options={[{ value: '', label: 'all' }, ...names.map((name) => ({ value: name, label: name }))]}
          onChange={(value) => setQuery({ stream: value })}
        />
        <Input label="Provider" value={typed} onInput={setTyped} />
      </Filters>
      <Card flush title="Dead letters">
        <Loaded of={letters.first} skeleton={<Skeleton lines={5} height={2} />}>
          {() => (
            <Table
              caption="Provider messages that have been set aside, newest first"
              rows={letters.items}
              rowKey={({ stream: from, id }) => `${from} ${id}`}
              empty={<Empty title="No provider messages have been set aside">All of them were processed.</Empty>}
              columns={[
                {
                  key: 'reason',
                  head: 'Reason',
                  card: 'title',
                  cell: ({ reason }) => <Untrusted text={reason} max={160} />,
                },
                {
                  key: 'provider',
                  head: 'Claims to be',
                  cell: ({ provider_id: id }) =>
                    id === undefined ? <span class="soft">–</span> : <Untrusted text={id} max={40} />,
                },
                { key: 'stream', head: 'Stream', cell: ({ stream: from }) => <code>{plain(from, 40)}</code> },
                { key: 'at', head: 'At', cell: ({ at }) => <Time at={at} /> },
                { key: 'data', head: 'Message', cell: (letter) => <Message letter={letter} /> },
              ]}
            />
          )}
        </Loaded>
        <More of={letters} />
      </Card>
    </div>
  );
}

/** The beginning of the message: whoever sent it chose every sign of it. */
function Message({ letter: { data } }: { letter: Letter }) {
  if (data === '') return <span class="soft">empty</span>;
  return (
    <details class="letter">
      <summary>show</summary>
      <code>
        <Untrusted text={data} max={2_000} />
      </code>
    </details>
  );
}
