import { useState } from 'preact/hooks';
import type { AdminProvider } from '../../src/client/types.generated.js';
import { providerStatuses } from '../../src/wire/statuses.js';
import { providerState } from '../../src/words/states.js';
import { setQuery } from '../app/router.js';
import { nowMs } from '../live/index.js';
import { gpusUsed, machineState } from '../machines/machine-words.js';
import { lossGraceS } from '../machines/own-machines.js';
import { Age, Card, Empty, Input, Loaded, Select, Skeleton, State, Table, Time, Untrusted } from '../parts/index.js';
import { useOperatorResource } from './as-operator.js';
import { matchesSearch } from './machine-search.js';
import { Filters, Wallet } from './parts.js';
import { ProviderMenu } from './provider-menu.js';
import { OpenOrder, type Order } from './provider-orders.js';

/** More than this many are found by their state. */
const mostRead = 1_000;

/** All providers, those that wait and those that have left too, with what may be done with each. */
export function MachinesView({ query }: { query: URLSearchParams }) {
  const [order, setOrder] = useState<Order>();
  const status = providerStatuses.find((each) => each === query.get('status'));
  const search = query.get('q') ?? '';
  const providers = useOperatorResource(
    `providers:${status ?? ''}`,
    async (client) =>
      (await client.admin.providers
        .list(status === undefined ? {} : { status })
        .all(mostRead)) as unknown as AdminProvider[],
    10_000,
  );
  return (
    <div class="stack">
      <Filters
        onClear={
          status === undefined && search === '' ? undefined : () => setQuery({ status: undefined, q: undefined })
        }
      >
        <Input
          label="Search"
          placeholder="id, wallet, GPU, region"
          type="search"
          value={search}
          onInput={(q) => setQuery({ q })}
        />
        <Select
          label="State"
          value={status ?? ''}
          options={[
            { value: '', label: 'all' },
            ...providerStatuses.map((each) => ({ value: each, label: providerState(each).word })),
          ]}
          onChange={(value) => setQuery({ status: value })}
        />
      </Filters>
      <Card flush class="operator-machines" title="Machines" aside={<Age of={providers} />}>
        <Loaded of={providers} skeleton={<Skeleton lines={6} height={2} />}>
          {(all) => (
            <>
              <ProvidersTable rows={all.filter((each) => matchesSearch(each, search))} onOrder={setOrder} />
              {all.length >= mostRead && (
                <p class="card-note small soft">Only the first {mostRead} were read: choose a state.</p>
              )}
            </>
          )}
        </Loaded>
      </Card>
      <OpenOrder order={order} onClose={() => setOrder(undefined)} />
    </div>
  );
}

function ProvidersTable({ rows, onOrder }: { rows: readonly AdminProvider[]; onOrder(order: Order): void }) {
  return (
    <Table
      caption="Providers"
      rows={rows}
      rowKey={({ provider_id: id }) => id}
      empty={<Empty title="No provider is like that">Another state or other words may find it.</Empty>}
      columns={[
        { key: 'id', head: 'Provider', card: 'title', cell: ({ provider_id: id }) => <Untrusted text={id} max={40} /> },
        { key: 'state', head: 'State', cell: (each) => <ProviderState provider={each} /> },
        { key: 'owner', head: 'Owner', cell: ({ wallet_addr: wallet }) => <Wallet address={wallet} /> },
        {
          key: 'gpus',
          head: 'GPUs rented',
          cell: (each) => {
            const { used, total, names } = gpusUsed(each);
            return (
              <span>
                <span class="num">
                  {used}/{total}
                </span>{' '}
                <span class="small soft">
                  <Untrusted text={names} max={32} />
                </span>
              </span>
            );
          },
        },
        {
          key: 'heard',
          head: 'Heard',
          cell: ({ last_heartbeat: at }) => (at === undefined ? <span class="soft">never</span> : <Time at={at} />),
        },
        {
          key: 'agent',
          head: 'Agent',
          cell: ({ agent_version: version }) => <Untrusted text={version ?? '–'} max={20} />,
        },
        {
          key: 'actions',
          head: '',
          card: 'actions',
          align: 'end',
          cell: (each) => <ProviderMenu provider={each} onOrder={onOrder} />,
        },
      ]}
    />
  );
}

function ProviderState({ provider }: { provider: AdminProvider }) {
  const { glyph, word, tone, because } = machineState(provider, { nowMs: nowMs(), lossGraceS: lossGraceS() });
  const { blocked, approval_needed: isWaiting } = provider;
  return (
    <div class="provider-state">
      <State tone={tone} glyph={glyph}>
        {word}
      </State>
      {blocked !== undefined && (
        <p class="small">
          <State tone="bad">blocked</State>: <Untrusted text={blocked.reason} max={100} />
        </p>
      )}
      {isWaiting && (
        <p class="small">
          <State tone="warn">waits for approval</State>
        </p>
      )}
      {because !== undefined && (
        <p class="small soft">
          <Untrusted text={because} max={160} />
        </p>
      )}
    </div>
  );
}
