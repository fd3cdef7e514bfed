import { useState } from 'preact/hooks';
import type { Block } from '../../src/client/types.generated.js';
import { setQuery } from '../app/router.js';
import { untilGone } from '../live/gone.js';
import { actAsOperator, canAct, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import {
  Button,
  Card,
  Countdown,
  Empty,
  Loaded,
  plain,
  Segmented,
  Skeleton,
  Table,
  Time,
  Untrusted,
} from '../parts/index.js';
import { usePaged } from './as-operator.js';
import { BlockSheet } from './block-sheet.js';
import { blockKinds } from './block-values.js';
import { More, Wallet } from './parts.js';

/** Who and what is kept out, until when, and why. */
export function BlocksView({ query }: { query: URLSearchParams }) {
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Block>();
  const asked = query.get('kind');
  const kind = blockKinds.find((each) => each === asked);
  const blocks = usePaged<Block>(
    `blocks:${kind ?? ''}`,
    (client, cursor) => client.admin.blocks.list(kind === undefined ? {} : { kind }).page(cursor),
    30_000,
  );
  return (
    <Card
      flush
      title="Blocks"
      aside={
        <>
          <Segmented
            label="Which"
            value={kind ?? ''}
            options={[{ value: '', label: 'all' }, ...blockKinds.map((each) => ({ value: each, label: `${each}s` }))]}
            onChange={(value) => setQuery({ kind: value })}
          />
          <Button size="s" kind="main" disabled={!canAct.value} onClick={() => setAdding(true)}>
            Block…
          </Button>
        </>
      }
    >
      <Loaded of={blocks.first} skeleton={<Skeleton lines={4} height={2} />}>
        {() => <BlocksTable rows={blocks.items} onRemove={setRemoving} />}
      </Loaded>
      <More of={blocks} />
      {isAdding && (
        <BlockSheet {...(kind === undefined ? {} : { given: { kind, value: '' } })} onClose={() => setAdding(false)} />
      )}
      {removing !== undefined && <UnblockSheet block={removing} onClose={() => setRemoving(undefined)} />}
    </Card>
  );
}

function BlocksTable({ rows, onRemove }: { rows: readonly Block[]; onRemove(block: Block): void }) {
  return (
    <Table
      caption="Blocks"
      rows={rows}
      rowKey={({ kind, value }) => `${kind} ${value}`}
      empty={<Empty title="Nothing is blocked">A block refuses what is new. It ends nothing that runs.</Empty>}
      columns={[
        {
          key: 'value',
          head: 'Blocked',
          card: 'title',
          cell: ({ value }) => (
            <span class="mono">
              <Untrusted text={value} max={60} />
            </span>
          ),
        },
        { key: 'kind', head: 'Kind', cell: ({ kind }) => kind },
        { key: 'reason', head: 'Reason', cell: ({ reason }) => <Untrusted text={reason} max={120} /> },
        {
          key: 'until',
          head: 'Ends in',
          cell: ({ until }) => (until === null ? <span class="soft">never</span> : <Countdown to={until} />),
        },
        { key: 'by', head: 'By', cell: ({ blocked_by: by }) => <Wallet address={by} /> },
        { key: 'at', head: 'Since', cell: ({ blocked_at: at }) => <Time at={at} /> },
        {
          key: 'actions',
          head: '',
          card: 'actions',
          align: 'end',
          cell: (block) => (
            <Button size="s" disabled={!canAct.value} onClick={() => onRemove(block)}>
              Take back…
            </Button>
          ),
        },
      ]}
    />
  );
}

function UnblockSheet({ block: { kind, value, reason }, onClose }: { block: Block; onClose(): void }) {
  const run = async () => {
    await actAsOperator((client) => untilGone(() => client.admin.blocks.remove(kind, value)));
    toast(`${plain(value, 60)} is no longer blocked.`, 'good');
    refresh('operator');
  };
  return (
    <ActionDialog title="Take back the block" confirm="Take it back" run={run} onClose={onClose}>
      <p>
        The {kind}{' '}
        <span class="mono">
          <Untrusted text={value} max={80} />
        </span>{' '}
        was blocked because: <Untrusted text={reason} max={300} />
      </p>
      <p>It may come back at once.</p>
    </ActionDialog>
  );
}
