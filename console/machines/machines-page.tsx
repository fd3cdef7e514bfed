import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { OwnProvider } from '../../src/client/types.generated.js';
import { PageHead } from '../app/page.js';
import { setQuery, type PageProps } from '../app/router.js';
import { login, requireLogin, toast, token } from '../live/index.js';
import { Button, Card, Loaded, plain, Skeleton, Tabs } from '../parts/index.js';
import { AddMachine } from './add-machine.js';
import type { Sheet } from './machine-menu.js';
import { EarnedReceipts } from './earned-receipts.js';
import { EarningsView } from './earnings-view.js';
import { MachineTable } from './machine-table.js';
import { cameIntoService } from './fresh-machines.js';
import { useOwnMachines } from './own-machines.js';
import { OpenSheet } from './sheets.js';
import { inShort, StartHere } from './start-here.js';
import { EarnedByDay, Totals, useEarnings } from './totals.js';

/** How long a row shows that it has just come into service. */
const freshMs = 8_000;

/** All machines of a wallet: what they earn, what each of them does, and how to add one. */
export default function MachinesPage({ query }: PageProps) {
  const machines = useOwnMachines();
  const isAdding = query.get('add') === '1';
  const add = (isOpen: boolean) => setQuery({ add: isOpen ? '1' : undefined });
  const addButton = (
    <Button kind="main" onClick={() => add(true)} aria-expanded={isAdding}>
      Add a machine
    </Button>
  );
  if (login.value === undefined) {
    return (
      <>
        <PageHead title="Rent out your GPUs" lead={inShort} />
        <StartHere
          action={
            <Button kind="main" onClick={() => void requireLogin('Your machines belong to your wallet.')}>
              Connect wallet
            </Button>
          }
        />
      </>
    );
  }
  const count = machines.data?.length ?? 0;
  return (
    <>
      <PageHead title="My machines" lead={count > 0 ? leadOf(machines.data!) : inShort}>
        {count > 0 && !isAdding && addButton}
      </PageHead>
      <div class="stack loose">
        {isAdding && <AddMachine machines={machines.data ?? []} onClose={() => add(false)} />}
        <Loaded of={machines} skeleton={<Skeleton lines={6} height={3} />}>
          {(own) =>
            own.length === 0 ? isAdding ? null : <StartHere action={addButton} /> : <Views own={own} query={query} />
          }
        </Loaded>
      </div>
    </>
  );
}

function leadOf(own: readonly OwnProvider[]): string {
  const serving = own.filter(({ status }) => status === 'available' || status === 'busy').length;
  const machines = own.length === 1 ? '1 machine' : `${own.length} machines`;
  return serving === own.length
    ? `${machines}, ${own.length === 1 ? 'serving' : 'all serving'}`
    : `${machines}, ${serving} serving`;
}

const views = [
  { value: 'machines', label: 'Machines' },
  { value: 'earnings', label: 'Earnings' },
  { value: 'receipts', label: 'Receipts' },
] as const;

type View = (typeof views)[number]['value'];

function Views({ own, query }: { own: readonly OwnProvider[]; query: URLSearchParams }) {
  const asked = query.get('view');
  const contents: Record<View, () => ComponentChildren> = {
    machines: () => (
      <div class="stack loose">
        <Machines own={own} />
      </div>
    ),
    earnings: () => <EarningsView />,
    receipts: () => <EarnedReceipts />,
  };
  return (
    <Tabs
      label="Views"
      value={views.find(({ value }) => value === asked)?.value ?? 'machines'}
      onChange={(value) => setQuery({ view: value === 'machines' ? undefined : value })}
      tabs={views.map(({ value, label }) => ({ value, label, content: contents[value] }))}
    />
  );
}

function Machines({ own }: { own: readonly OwnProvider[] }) {
  const [sheet, setSheet] = useState<Sheet>();
  const fresh = useFresh(own);
  const earnings = useEarnings();
  return (
    <>
      <Totals machines={own} earnings={earnings} />
      <Card flush class="machines" title="Machines" aside={<span class="small soft">as they are now</span>}>
        <MachineTable machines={own} symbol={plain(token().symbol, 12)} fresh={fresh} onSheet={setSheet} />
      </Card>
      <EarnedByDay earnings={earnings} />
      <OpenSheet sheet={sheet} onClose={() => setSheet(undefined)} />
    </>
  );
}

/** The machines that have come into service while one looks: their rows turn green, and it is said. */
function useFresh(own: readonly OwnProvider[]): ReadonlySet<string> {
  const before = useRef<ReadonlyMap<string, string> | undefined>(undefined);
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const came = cameIntoService(before.current, own);
    before.current = new Map(own.map(({ provider_id: id, status }) => [id, status]));
    if (came.length === 0) return undefined;
    for (const id of came) toast(`${plain(id, 60)} serves now.`, 'good');
    setFresh(new Set(came));
    return undefined;
  }, [own]);
  useEffect(() => {
    if (fresh.size === 0) return undefined;
    const timer = setTimeout(() => setFresh(new Set()), freshMs);
    return () => clearTimeout(timer);
  }, [fresh]);
  return fresh;
}
