import { useState } from 'preact/hooks';
import type { OwnProvider } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { PageHead } from '../app/page.js';
import type { PageProps } from '../app/router.js';
import { login, nowMs, second, site } from '../live/index.js';
import { Badge, Button, ConnectFirst, Empty, Loaded, plain, Skeleton, Untrusted } from '../parts/index.js';
import { EarningsCard } from './earnings-card.js';
import { FactsCard } from './facts-card.js';
import { JobsCard } from './jobs-card.js';
import type { SheetKind } from './machine-actions.js';
import { MachineMenu } from './machine-menu.js';
import { gpusUsed, machineState, signatureLeft } from './machine-words.js';
import { MiningCard } from './mining-card.js';
import { lossGraceS, useOwnMachines } from './own-machines.js';
import { PricesCard } from './prices-card.js';
import { OpenSheet } from './sheets.js';
import { SignSheet } from './sign-sheet.js';
import { UsageCard } from './usage-card.js';

/** One machine: what it does, what it brings, and what may be done with it. */
export default function MachinePage({ params }: PageProps) {
  const id = params['id'] ?? '';
  const machines = useOwnMachines();
  const title = plain(id, 60) || 'Machine';
  const back = (
    <Link to="/provider" class="small">
      ← My machines
    </Link>
  );
  if (login.value === undefined) {
    return (
      <>
        <PageHead title={title} heading={<Untrusted text={id} max={60} />} />
        <ConnectFirst what="Your machines" />
      </>
    );
  }
  const found = machines.data?.find(({ provider_id: each }) => each === id);
  return (
    <>
      {back}
      {found === undefined ? (
        <>
          <PageHead title={title} heading={<Untrusted text={id} max={60} />} />
          <Loaded of={machines} skeleton={<Skeleton lines={8} height={3} />}>
            {() => <NotYours />}
          </Loaded>
        </>
      ) : (
        <Machine machine={found} error={machines} />
      )}
    </>
  );
}

function NotYours() {
  return (
    <Empty title="None of your machines has this name" action={<Link to="/provider">Your machines</Link>}>
      It may belong to another wallet than {login.value === undefined ? 'this one' : plain(login.value.wallet)}, or it
      has not registered yet.
    </Empty>
  );
}

function Machine({ machine, error: machines }: { machine: OwnProvider; error: ReturnType<typeof useOwnMachines> }) {
  const [open, setOpen] = useState<SheetKind>();
  const [isClaiming, setClaiming] = useState(false);
  const { provider_id: id } = machine;
  return (
    <>
      <Head machine={machine} onSheet={setOpen} />
      <Loaded of={machines}>
        {() => (
          <>
            <Warnings machine={machine} onSign={() => setOpen('sign')} onClaim={() => setClaiming(true)} />
            <div class="machine-grid">
              <div class="stack loose">
                <JobsCard id={id} />
                <UsageCard id={id} gpus={gpusUsed(machine).total} />
                <EarningsCard id={id} />
              </div>
              <div class="stack loose">
                <PricesCard machine={machine} onChange={() => setOpen('prices')} />
                <FactsCard machine={machine} onSign={() => setOpen('sign')} />
                <MiningCard id={id} />
              </div>
            </div>
          </>
        )}
      </Loaded>
      <OpenSheet sheet={open === undefined ? undefined : { kind: open, machine }} onClose={() => setOpen(undefined)} />
      {isClaiming && <SignSheet providerId={id} claims onClose={() => setClaiming(false)} />}
    </>
  );
}

function Head({ machine, onSheet }: { machine: OwnProvider; onSheet(kind: SheetKind): void }) {
  if (machine.status === 'offline' || machine.drain_until !== undefined) void second.value;
  const { glyph, word, tone, because } = machineState(machine, { nowMs: nowMs(), lossGraceS: lossGraceS() });
  const { used, total, names } = gpusUsed(machine);
  return (
    <PageHead
      title={plain(machine.provider_id, 60)}
      heading={
        <span class="row">
          <Untrusted text={machine.provider_id} max={60} />
          <Badge tone={tone} glyph={glyph}>
            {word}
          </Badge>
        </span>
      }
      lead={
        <>
          <span class="num">
            {used} of {total}
          </span>{' '}
          GPUs rented, <Untrusted text={names} max={60} />
          {because !== undefined && (
            <>
              {' · '}
              <Untrusted text={because} max={200} />
            </>
          )}
        </>
      }
    >
      <MachineMenu machine={machine} onSheet={({ kind }) => onSheet(kind)} />
    </PageHead>
  );
}

interface WarningsProps {
  machine: OwnProvider;
  onSign(): void;
  onClaim(): void;
}

/** What needs its owner, with the way to do it. */
function Warnings({ machine, onSign, onClaim }: WarningsProps) {
  const { text, urgency } = signatureLeft(machine.delegation_expires_at, nowMs());
  const mayClaim = urgency === 'none' && site.value?.providers.auth_mode === 'permissive';
  if (mayClaim) {
    return (
      <div class="note tone-warn row spread">
        <p>It registered without a signature. Claim it, so that its earnings are bound to your wallet.</p>
        <Button size="s" onClick={onClaim}>
          Claim it…
        </Button>
      </div>
    );
  }
  if (urgency !== 'soon' && urgency !== 'over') return null;
  return (
    <div class={`note row spread ${urgency === 'over' ? 'tone-bad' : 'tone-warn'}`}>
      <p>
        {urgency === 'over'
          ? 'Your signature for this machine has run out: it is no longer heard.'
          : `Your signature for this machine is good for ${text} more. After that it is no longer heard.`}
      </p>
      <Button size="s" onClick={onSign}>
        Sign again…
      </Button>
    </div>
  );
}
