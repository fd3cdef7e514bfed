import { useState } from 'preact/hooks';
import type { AuditRows } from '../../src/client/types.generated.js';
import { setQuery } from '../app/router.js';
import { Card, Empty, Input, Loaded, Skeleton, State, Table, Time, Untrusted } from '../parts/index.js';
import { usePaged } from './as-operator.js';
import { actionText, detailText, hasFailed } from './audit-words.js';
import { Filters, More, Wallet } from './parts.js';

type Row = AuditRows['items'][number];

const walletPattern = /^0x[0-9a-fA-F]{40}$/;
const actionPattern = /^[a-z_]+\.[a-z_]+$/;

/** Who changed what, when, and from where. */
export function AuditView({ query }: { query: URLSearchParams }) {
  const [actor, target, action] = ['actor', 'target', 'action'].map((name) => query.get(name) ?? '') as [
    string,
    string,
    string,
  ];
  const [typed, setTyped] = useState({ actor, target, action });
  const actorProblem =
    typed.actor === '' || walletPattern.test(typed.actor) ? undefined : 'A wallet is 0x and 40 hex digits.';
  const actionProblem =
    typed.action === '' || actionPattern.test(typed.action)
      ? undefined
      : 'A subject and a verb, such as provider.drain.';
  const asked = {
    ...(walletPattern.test(actor) ? { actor } : {}),
    ...(target === '' ? {} : { target }),
    ...(actionPattern.test(action) ? { action } : {}),
  };
  const rows = usePaged<Row>(
    `audit:${JSON.stringify(asked)}`,
    async (client, cursor) => (await client.admin.audit(asked).page(cursor)) as { items: Row[]; next?: string },
    30_000,
  );
  const apply = () => {
    if (actorProblem === undefined && actionProblem === undefined) setQuery({ ...typed, target: typed.target.trim() });
  };
  const clear = () => {
    setTyped({ actor: '', target: '', action: '' });
    setQuery({ actor: undefined, target: undefined, action: undefined });
  };
  return (
    <div class="stack">
      <Filters onApply={apply} onClear={Object.keys(asked).length === 0 ? undefined : clear}>
        <Input
          label="Who"
          placeholder="0x…"
          class="typed"
          value={typed.actor}
          error={actorProblem}
          onInput={(value) => setTyped({ ...typed, actor: value.trim() })}
        />
        <Input
          label="To what"
          placeholder="job, provider, wallet, image"
          value={typed.target}
          onInput={(value) => setTyped({ ...typed, target: value })}
        />
        <Input
          label="What"
          placeholder="provider.drain"
          value={typed.action}
          error={actionProblem}
          onInput={(value) => setTyped({ ...typed, action: value.trim() })}
        />
      </Filters>
      <Card flush title="Audit">
        <Loaded of={rows.first} skeleton={<Skeleton lines={6} height={2} />}>
          {() => <AuditTable rows={rows.items} />}
        </Loaded>
        <More of={rows} />
      </Card>
    </div>
  );
}

function AuditTable({ rows }: { rows: readonly Row[] }) {
  return (
    <Table
      caption="What operators and owners changed, newest first"
      rows={rows}
      rowKey={({ request_id: id, action, target, at }) => `${id} ${action} ${target} ${at}`}
      empty={<Empty title="Nothing is recorded of that">Changes by operators and owners are kept here.</Empty>}
      columns={[
        {
          key: 'action',
          head: 'What',
          card: 'title',
          cell: ({ action, detail }) => (
            <span class="row">
              <span title={action}>
                <Untrusted text={actionText(action)} max={60} />
              </span>
              {hasFailed(detail) && <State tone="warn">failed</State>}
            </span>
          ),
        },
        {
          key: 'target',
          head: 'To what',
          cell: ({ target }) => (
            <span class="mono">
              <Untrusted text={target} max={40} />
            </span>
          ),
        },
        { key: 'actor', head: 'Who', cell: ({ actor }) => <Wallet address={actor} /> },
        {
          key: 'ip',
          head: 'From',
          cell: ({ ip }) => (
            <span class="mono">
              <Untrusted text={ip} max={45} class="ip" />
            </span>
          ),
        },
        { key: 'at', head: 'When', cell: ({ at }) => <Time at={at} /> },
        {
          key: 'detail',
          head: 'Details',
          cell: ({ detail }) => (
            <span class="small soft">
              <Untrusted text={detailText(detail)} max={160} />
            </span>
          ),
        },
      ]}
    />
  );
}
