import { useState } from 'preact/hooks';
import { formatAmount } from '../../src/client/money.js';
import type { Deposits } from '../../src/client/types.generated.js';
import type { Action } from '../chain/actions.js';
import { baseUnitsOf } from '../chain/vault-units.js';
import { canAct, token } from '../live/index.js';
import { noAmount, type AmountEntered } from '../parts/amount-field.js';
import { AmountInput } from '../parts/amount-input.js';
import { Button, Card, Money } from '../parts/index.js';
import { AllowedFields, Problem, useAllowed } from './allowed-fields.js';
import { wholeAmount } from './amount.js';
import { DepositSheet } from './deposit-sheet.js';
import { capFactsOf, type KnownVault } from './use-deposits.js';

interface DepositCardProps {
  deposits: Deposits;
  known: KnownVault;
  /** `amount` in tokens, and `need` in base units: what an order lacked. */
  query: URLSearchParams;
  /** An approval that was followed by nothing. */
  going: Action | undefined;
  onWent(): void;
}

/** How much, and how much of it jobs may use. */
export function DepositCard({ deposits, known, query, going, onWent }: DepositCardProps) {
  const { decimals } = token();
  const [entered, setEntered] = useState<AmountEntered>(() => ({ ...noAmount, text: query.get('amount') ?? '' }));
  const allowed = useAllowed(() => true, known.decimals);
  const [open, setOpen] = useState<{ amount: bigint; cap: bigint }>();
  const amount = wholeAmount(entered, decimals, known.decimals);
  const units = amount !== undefined && 'units' in amount ? amount.units : undefined;
  const cap = units === undefined ? undefined : allowed.capWith(capFactsOf(deposits), units);
  const sheet = going?.kind === 'approve' ? fromAction(going, known.decimals) : open;
  const close = () => {
    setOpen(undefined);
    onWent();
  };
  return (
    <Card title="Deposit">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (units !== undefined && cap !== undefined) setOpen({ amount: units, cap });
        }}
      >
        <Lacking deposits={deposits} need={query.get('need')} />
        <AmountInput label="Amount" value={entered} onInput={setEntered} />
        <Problem of={amount} />
        {units !== undefined && units < BigInt(deposits.min_amount) && (
          <p class="field-error">
            Deposits below <Money units={deposits.min_amount} /> wait until they come to this much.
          </p>
        )}
        <AllowedFields of={allowed} all="Jobs may use all that I deposit" most="Jobs may use, from now on, at most" />
        <div class="row">
          <Button
            type="submit"
            kind="main"
            disabled={units === undefined || cap === undefined || !canAct.value}
            aria-haspopup="dialog"
          >
            Deposit…
          </Button>
        </div>
      </form>
      {sheet !== undefined && (
        <DepositSheet
          {...{ known, ...sheet }}
          onDone={() => {
            setEntered(noAmount);
          }}
          onClose={close}
        />
      )}
    </Card>
  );
}

const fromAction = ({ amount, cap }: Extract<Action, { kind: 'approve' }>, decimals: number) => ({
  amount: baseUnitsOf(BigInt(amount), decimals),
  cap: baseUnitsOf(BigInt(cap), decimals),
});

/** What an order needs, by what is there: money, or only leave to use it. */
function Lacking({ deposits, need }: { deposits: Deposits; need: string | null }) {
  if (need === null || !/^\d{1,39}$/.test(need) || BigInt(need) === 0n) return null;
  const { symbol, decimals } = token();
  const [free, asked] = [BigInt(deposits.available), BigInt(need)];
  const words = (units: bigint) => formatAmount(units, { symbol, decimals });
  return (
    <p class="note tone-warn">
      {free < asked
        ? `Your order needs ${words(asked)}, and ${words(free)} are free: deposit ${words(asked - free)} or more.`
        : `Your order needs ${words(asked)}, and you have them: if it was refused, raise what may be drawn.`}
    </p>
  );
}
