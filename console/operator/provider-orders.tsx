import type { AdminProvider } from '../../src/client/types.generated.js';
import type { Broker } from '../live/client.js';
import { actAsOperator, refresh, toast } from '../live/index.js';
import { DrainSheet } from '../machines/drain-sheet.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { plain, Untrusted } from '../parts/index.js';
import { ApproveSheet } from './approve-sheet.js';
import { useOperatorResource } from './as-operator.js';
import { BlockSheet } from './block-sheet.js';
import type { OrderKind } from './provider-actions.js';

export interface Order {
  kind: OrderKind;
  provider: AdminProvider;
}

/** The sheet of an order, if one is open. */
export function OpenOrder({ order, onClose }: { order: Order | undefined; onClose(): void }) {
  if (order === undefined) return null;
  const { kind, provider } = order;
  switch (kind) {
    case 'approve':
      return <ApproveSheet provider={provider} onClose={onClose} />;
    case 'block':
      return <BlockSheet given={{ kind: 'provider', value: provider.provider_id }} onClose={onClose} />;
    case 'drain':
    case 'retire':
      return <OperatorDrain id={provider.provider_id} retires={kind === 'retire'} onClose={onClose} />;
    case 'cordon':
    case 'uncordon':
    case 'forgive':
      return <SimpleOrder id={provider.provider_id} kind={kind} onClose={onClose} />;
  }
}

const mostJobs = 500;

function OperatorDrain({ id, retires, onClose }: { id: string; retires: boolean; onClose(): void }) {
  const jobs = useOperatorResource(
    `active:${id}`,
    (client) => client.admin.jobs.list({ providerId: id, status: 'active' }).all(mostJobs),
    10_000,
  );
  const send = async (deadline: { deadlineS?: number }) => {
    const options = { ...deadline, asOperator: true };
    await actAsOperator((client) => client.providers[retires ? 'retire' : 'drain'](id, options));
    refresh('operator');
  };
  return <DrainSheet id={id} retires={retires} jobs={jobs} send={send} onClose={onClose} />;
}

interface SimpleWords {
  title: string;
  confirm: string;
  means: string;
  done: string;
  send(client: Broker, id: string): Promise<unknown>;
}

const simple: Readonly<Record<'cordon' | 'uncordon' | 'forgive', SimpleWords>> = {
  cordon: {
    title: 'Take no new jobs',
    confirm: 'Take no new jobs',
    means: 'Jobs that run go on to their own end. Its owner sees that an operator has done this, and may take it back.',
    done: 'takes no new jobs.',
    send: (client, id) => client.providers.cordon(id, { asOperator: true }),
  },
  uncordon: {
    title: 'Take jobs again',
    confirm: 'Take jobs again',
    means: 'It is offered at once, if it is healthy. A drain and its deadline are taken back.',
    done: 'takes jobs again.',
    send: (client, id) => client.providers.uncordon(id, { asOperator: true }),
  },
  forgive: {
    title: 'Give jobs again',
    confirm: 'Give jobs again',
    means: 'Starts have failed there, so it is left out for a while. This lets it have jobs at once.',
    done: 'gets jobs again.',
    send: (client, id) => client.admin.providers.forgive(id),
  },
};

function SimpleOrder({ id, kind, onClose }: { id: string; kind: keyof typeof simple; onClose(): void }) {
  const { title, confirm, means, done, send } = simple[kind];
  const run = async () => {
    await actAsOperator((client) => send(client, id));
    toast(`${plain(id, 60)} ${done}`, 'good');
    refresh('operator');
  };
  return (
    <ActionDialog
      title={
        <>
          {title}: <Untrusted text={id} max={60} />
        </>
      }
      confirm={confirm}
      run={run}
      onClose={onClose}
    >
      <p>{means}</p>
    </ActionDialog>
  );
}
