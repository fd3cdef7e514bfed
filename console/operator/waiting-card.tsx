import { useState } from 'preact/hooks';
import type { AdminProvider } from '../../src/client/types.generated.js';
import { canAct } from '../live/index.js';
import { Button, Card, State, Table, Time, Untrusted } from '../parts/index.js';
import { gpusUsed } from '../machines/machine-words.js';
import { ApproveSheet } from './approve-sheet.js';
import { useOperatorResource } from './as-operator.js';
import { BlockSheet } from './block-sheet.js';
import { Wallet } from './parts.js';

const mostShown = 100;

/** Providers that join only once somebody has looked at them; nothing while there are none. */
export function WaitingCard() {
  const [approving, setApproving] = useState<AdminProvider>();
  const [denying, setDenying] = useState<AdminProvider>();
  const waiting = useOperatorResource(
    'waiting',
    async (client) =>
      ((await client.admin.providers.list({ status: 'pending' }).all(mostShown)) as unknown as AdminProvider[]).filter(
        (each) => each.approval_needed,
      ),
    30_000,
  );
  if (waiting.data === undefined || waiting.data.length === 0) return null;
  return (
    <Card title={`Waiting for approval: ${waiting.data.length}`} flush>
      <Table
        caption="Providers that wait for approval"
        rows={waiting.data}
        rowKey={({ provider_id: id }) => id}
        columns={[
          {
            key: 'id',
            head: 'Provider',
            card: 'title',
            cell: ({ provider_id: id }) => <Untrusted text={id} max={40} />,
          },
          { key: 'owner', head: 'Owner', cell: ({ wallet_addr: wallet }) => <Wallet address={wallet} /> },
          {
            key: 'gpus',
            head: 'GPUs',
            cell: (each) => {
              const { total, names } = gpusUsed(each);
              return (
                <span>
                  <span class="num">{total}</span> <Untrusted text={names} max={40} />
                </span>
              );
            },
          },
          { key: 'since', head: 'Registered', cell: ({ registered_at: at }) => <Time at={at} /> },
          {
            key: 'state',
            head: 'State',
            cell: ({ blocked }) =>
              blocked === undefined ? <State tone="busy">waits</State> : <State tone="bad">blocked</State>,
          },
          {
            key: 'actions',
            head: '',
            card: 'actions',
            align: 'end',
            cell: (each) => (
              <span class="row end-row">
                <Button size="s" disabled={!canAct.value} onClick={() => setApproving(each)}>
                  Approve…
                </Button>
                <Button size="s" kind="danger" disabled={!canAct.value} onClick={() => setDenying(each)}>
                  Deny…
                </Button>
              </span>
            ),
          },
        ]}
      />
      {approving !== undefined && <ApproveSheet provider={approving} onClose={() => setApproving(undefined)} />}
      {denying !== undefined && (
        <BlockSheet given={{ kind: 'provider', value: denying.provider_id }} onClose={() => setDenying(undefined)} />
      )}
    </Card>
  );
}
