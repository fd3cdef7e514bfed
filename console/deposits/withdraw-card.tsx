import { useState } from 'preact/hooks';
import type { Deposits } from '../../src/client/types.generated.js';
import { baseUnitsOf, unitsIn } from '../chain/vault-units.js';
import { canAct, token } from '../live/index.js';
import { noAmount } from '../parts/amount-field.js';
import { AmountInput } from '../parts/amount-input.js';
import { Button, Card, Countdown, Money, State } from '../parts/index.js';
import { ownActions } from '../chain/following.js';
import { wholeAmount } from './amount.js';
import { Problem } from './allowed-fields.js';
import type { KnownVault } from './use-deposits.js';
import { WithdrawSheet } from './withdraw-sheet.js';

interface WithdrawCardProps {
  deposits: Deposits;
  known: KnownVault;
}

/** Takes out what is free, with a permit of the broker that lasts for minutes. */
export function WithdrawCard({ deposits, known }: WithdrawCardProps) {
  const { withdrawing, available, exit_at: exitAt } = deposits;
  return (
    <Card title="Withdraw">
      {withdrawing !== null ? (
        <Pending {...{ deposits, known }} withdrawing={withdrawing} />
      ) : exitAt !== null ? (
        <p class="soft">You have asked for your exit, which gives you everything. To withdraw a part, stay first.</p>
      ) : unitsIn(available, known.decimals) === 0n ? (
        <p class="soft">Nothing is free. What is reserved for jobs comes back when they end.</p>
      ) : (
        <Form {...{ deposits, known }} />
      )}
    </Card>
  );
}

function Form({ deposits, known }: WithdrawCardProps) {
  const { decimals, symbol } = token();
  const [entered, setEntered] = useState(noAmount);
  const [open, setOpen] = useState<bigint>();
  const amount = wholeAmount(entered, decimals, known.decimals);
  const units = amount !== undefined && 'units' in amount ? amount.units : undefined;
  const most = baseUnitsOf(unitsIn(deposits.available, known.decimals), known.decimals);
  const isTooMuch = units !== undefined && units > most;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (units !== undefined && !isTooMuch) setOpen(units);
      }}
    >
      <AmountInput label={`Amount of ${symbol} to take out`} value={entered} onInput={setEntered} />
      <Problem of={amount} />
      {isTooMuch && (
        <p class="field-error">
          <Money units={most} /> are free.
        </p>
      )}
      <div class="row">
        <Button type="submit" disabled={units === undefined || isTooMuch || !canAct.value} aria-haspopup="dialog">
          Withdraw…
        </Button>
        <Button kind="bare" onClick={() => setEntered({ text: most.toString(), unit: 'units' })}>
          All that is free
        </Button>
      </div>
      {open !== undefined && (
        <WithdrawSheet known={known} amount={open} withdrawing={undefined} onClose={() => setOpen(undefined)} />
      )}
    </form>
  );
}

interface PendingProps extends WithdrawCardProps {
  withdrawing: NonNullable<Deposits['withdrawing']>;
}

/** What is held for a withdrawal, until the wallet has sent it or its time is over. */
function Pending({ known, withdrawing }: PendingProps) {
  const [isOpen, setOpen] = useState(false);
  const { amount, deadline, call } = withdrawing;
  const isSent = ownActions().some(({ action }) => action.kind === 'withdraw');
  const isOver = deadline !== null && Date.parse(deadline) <= Date.now();
  return (
    <div class="stack tight">
      <p>
        <State tone="busy">
          <Money units={amount} /> are held for you
        </State>
      </p>
      {isSent ? (
        <p class="soft">Your wallet was asked to send it: see above. It is done once its block is final.</p>
      ) : isOver || call === null ? (
        <p class="soft">
          {call === null
            ? 'The broker is signing it.'
            : 'Its time is over: it comes back by itself, once the chain has shown that your wallet did not send it.'}
        </p>
      ) : (
        <>
          <p class="soft">
            Your wallet sends it itself, within <Countdown to={deadline!} />. If it does not, the money comes back by
            itself.
          </p>
          <div class="row">
            <Button kind="main" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setOpen(true)}>
              Take it out…
            </Button>
          </div>
        </>
      )}
      {isOpen && (
        <WithdrawSheet known={known} amount={BigInt(amount)} withdrawing={withdrawing} onClose={() => setOpen(false)} />
      )}
    </div>
  );
}
