import type { OwnProvider } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { nowMs, second } from '../live/index.js';
import { Bar, State, Table, Untrusted, type Column } from '../parts/index.js';
import { reliabilityText } from '../../src/words/reliability.js';
import { MachineMenu, type Sheet } from './machine-menu.js';
import { gpusUsed, machineState, pricesText, signatureLeft } from './machine-words.js';
import { lossGraceS } from './own-machines.js';

interface MachineTableProps {
  machines: readonly OwnProvider[];
  symbol: string;
  /** Those that have just come into service. */
  fresh: ReadonlySet<string>;
  onSheet(sheet: Sheet): void;
}

/** One row for each machine. */
export function MachineTable({ machines, symbol, fresh, onSheet }: MachineTableProps) {
  const columns: Column<OwnProvider>[] = [
    {
      key: 'machine',
      head: 'Machine',
      card: 'title',
      cell: (machine) => (
        <Link to={`/provider/${segment(machine.provider_id)}`} class="machine-name">
          <Untrusted text={machine.provider_id} max={40} />
        </Link>
      ),
    },
    { key: 'state', head: 'State', cell: (machine) => <MachineStateCell machine={machine} /> },
    { key: 'gpus', head: 'GPUs rented', cell: (machine) => <GpusCell machine={machine} /> },
    {
      key: 'price',
      head: `${symbol}/h`,
      align: 'end',
      cell: (machine) => <span class="num">{pricesText(machine) ?? 'no price'}</span>,
    },
    { key: 'jobs', head: 'Jobs', align: 'end', cell: (machine) => <span class="num">{machine.running_jobs}</span> },
    {
      key: 'reliable',
      head: 'Online, 30 d',
      align: 'end',
      cell: (machine) => <span class="num">{reliabilityText(machine.reliability.online_30d ?? null)}</span>,
    },
    { key: 'signature', head: 'Signature', cell: (machine) => <SignatureCell machine={machine} onSheet={onSheet} /> },
    {
      key: 'actions',
      head: '',
      align: 'end',
      card: 'actions',
      cell: (machine) => <MachineMenu machine={machine} onSheet={onSheet} size="s" />,
    },
  ];
  return (
    <Table
      caption="Your machines"
      columns={columns}
      rows={machines}
      rowKey={({ provider_id: id }) => id}
      rowClass={({ provider_id: id }) => (fresh.has(id) ? 'is-fresh' : undefined)}
    />
  );
}

/** Its state, and under it why, counting on each second where time matters. */
export function MachineStateCell({ machine }: { machine: OwnProvider }) {
  if (machine.status === 'offline' || machine.drain_until !== undefined) void second.value;
  const { glyph, word, tone, because } = machineState(machine, { nowMs: nowMs(), lossGraceS: lossGraceS() });
  return (
    <div class="machine-state">
      <State tone={tone} glyph={glyph}>
        {word}
      </State>
      {because !== undefined && (
        <p class="small soft">
          <Untrusted text={because} max={200} />
        </p>
      )}
    </div>
  );
}

function GpusCell({ machine }: { machine: OwnProvider }) {
  const { used, total, names } = gpusUsed(machine);
  return (
    <div class="machine-gpus">
      <span>
        <span class="num">
          {used} of {total}
        </span>{' '}
        <span class="small soft">
          <Untrusted text={names} max={32} />
        </span>
      </span>
      <Bar used={total === 0 ? 0 : used / total} label={`${used} of ${total} GPUs rented`} />
    </div>
  );
}

function SignatureCell({ machine, onSheet }: { machine: OwnProvider; onSheet(sheet: Sheet): void }) {
  const { text, urgency } = signatureLeft(machine.delegation_expires_at, nowMs());
  if (urgency === 'none' || machine.status === 'retired') return <span class="soft">{text}</span>;
  if (urgency === 'fine') return <span class="num">{text}</span>;
  return (
    <div class="machine-signature">
      <State tone={urgency === 'over' ? 'bad' : 'warn'}>{text}</State>
      <button type="button" class="button quiet s" onClick={() => onSheet({ kind: 'sign', machine })}>
        <span class="button-words">Sign again</span>
      </button>
    </div>
  );
}
