import { useState } from 'preact/hooks';
import type { Balance, MonthlyCap } from '../../src/client/types.generated.js';
import { canAct } from '../live/index.js';
import { Bar, Button, Card, Loaded, Money, partOf, Skeleton, State, Time } from '../parts/index.js';
import { CapDialog } from './cap-dialog.js';
import { capUse } from './cap-use.js';
import { useBalance } from './standing.js';

/** What the wallet lets all of its logins spend in a month together, and how much of that is used. */
export function CapCard() {
  const balance = useBalance();
  const [open, setOpen] = useState<'set' | 'remove'>();
  return (
    <Card title="Monthly cap" class="cap" aside={<Buttons balance={balance.data} onOpen={setOpen} />}>
      <Loaded of={balance} skeleton={<Skeleton lines={2} />}>
        {({ monthly_cap: cap }) => (cap === null ? <NoCap /> : <Cap cap={cap} />)}
      </Loaded>
      {open !== undefined && balance.data !== undefined && (
        <CapDialog now={balance.data.monthly_cap} what={open} onClose={() => setOpen(undefined)} />
      )}
    </Card>
  );
}

function Buttons({ balance, onOpen }: { balance: Balance | undefined; onOpen(what: 'set' | 'remove'): void }) {
  const hasCap = balance?.monthly_cap !== null;
  const isOff = !canAct.value || balance === undefined;
  return (
    <>
      {hasCap && (
        <Button size="s" disabled={isOff} aria-haspopup="dialog" onClick={() => onOpen('remove')}>
          Remove…
        </Button>
      )}
      <Button size="s" disabled={isOff} aria-haspopup="dialog" onClick={() => onOpen('set')}>
        {hasCap ? 'Change…' : 'Set a cap…'}
      </Button>
    </>
  );
}

function NoCap() {
  return (
    <p class="soft">
      There is none: each login may spend up to its own limit. A cap bounds all of them together in a month, also a
      login or token that somebody else got hold of.
    </p>
  );
}

const looks = {
  free: { tone: 'accent' },
  near: { tone: 'warn' },
  reached: { tone: 'bad' },
} as const;

function Cap({ cap }: { cap: MonthlyCap }) {
  const { state, percent } = capUse(cap);
  return (
    <div class="stack tight">
      <p class="cap-left">
        <Money units={cap.remaining} /> <span class="soft">left of</span> <Money units={cap.amount} />
        {state === 'near' && (
          <State tone="warn" glyph="▲">
            {percent} % are used
          </State>
        )}
        {state === 'reached' && (
          <State tone="bad" glyph="✕">
            reached: nothing more can be ordered
          </State>
        )}
      </p>
      <Bar
        used={partOf(cap.charged, cap.amount)}
        held={partOf(cap.reserved, cap.amount)}
        tone={looks[state].tone}
        label={`${percent} % of the monthly cap used`}
      />
      <p class="row small soft">
        <span>
          <Money units={cap.charged} /> charged this month
        </span>
        <span>
          <Money units={cap.reserved} /> reserved (hatched)
        </span>
        <span>
          begins anew <Time at={cap.resets_at} />
        </span>
      </p>
    </div>
  );
}
