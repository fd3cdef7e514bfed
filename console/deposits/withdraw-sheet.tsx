import type { Withdrawal } from '../../src/client/types.generated.js';
import { ActionSheet } from '../chain/action-sheet.js';
import { unitsIn } from '../chain/vault-units.js';
import { withdrawalOf, type Permit } from '../chain/withdrawal.js';
import { signedOnce } from '../connect/open-session.js';
import { WalletRefusal, type Wallet } from '../connect/wallets.js';
import { nowMs, refresh, toast } from '../live/index.js';
import { createOnce, intentionOf, keptInTab, newIdempotencyKey } from '../live/once.js';
import { Countdown, Money } from '../parts/index.js';
import type { Asking } from '../chain/send-action.js';
import type { KnownVault } from './use-deposits.js';

interface WithdrawSheetProps {
  known: KnownVault;
  /** Base units. */
  amount: bigint;
  /** What was asked for before and is not sent; undefined: it is asked for now. */
  withdrawing: Withdrawal | undefined;
  onClose(): void;
}

const once = createOnce<string>(keptInTab('worldland-withdrawals'));

/** Asks the broker for a permit, compares it with what was asked for, and has the wallet send it. */
export function WithdrawSheet({ known: { place, decimals }, amount, withdrawing, onClose }: WithdrawSheetProps) {
  const units = unitsIn(amount, decimals);
  const done = () => {
    refresh('chain');
    toast('Your withdrawal is sent.', 'good');
  };
  const close = () => {
    // What the broker holds by now stands on the page.
    refresh('chain');
    onClose();
  };
  return (
    <ActionSheet
      title="Withdraw"
      place={place}
      plan={async (reads, wallet, asking) => {
        const held = withdrawing ?? (await asked(wallet, asking, amount));
        const { withdrawn } = await reads.customer(place.vault, asking.owner);
        const wanted = { wallet: asking.owner, place, amount: units, withdrawn, nowS: nowMs() / 1000 };
        const action = withdrawalOf(permitOf(held), wanted);
        if (typeof action === 'string') throw new WalletRefusal(`${action} Your wallet was not asked to send it.`);
        return [action];
      }}
      onDone={done}
      onClose={close}
    >
      <p>
        <Money units={amount} /> go from the vault to your wallet, and to nobody else: this page compares what the
        broker sends with that before your wallet sees it.
      </p>
      <p class="small soft">
        {withdrawing === undefined ? (
          'Your wallet signs that the request is yours, and then sends it, which costs a little gas.'
        ) : (
          <>
            Your wallet sends it, which costs a little gas. There is time for that:{' '}
            <Countdown to={withdrawing.deadline!} />
          </>
        )}
      </p>
    </ActionSheet>
  );
}

/** The same again after a lost answer holds nothing twice. */
async function asked(wallet: Wallet, asking: Asking, amount: bigint): Promise<Withdrawal> {
  const { owner } = asking;
  const send = async (idempotencyKey: string) =>
    await signedOnce(wallet, { ...asking, scopes: ['jobs:read', 'billing:write'] }, (client) =>
      client.money.withdraw(amount, { idempotencyKey }),
    );
  return (await once.run(intentionOf(owner, 'withdraw', amount.toString()), newIdempotencyKey, send))!;
}

function permitOf({ cumulative, deadline, signature, call }: Withdrawal): Permit {
  if (deadline === null || signature === null || call === null || !/^\d{1,39}$/.test(cumulative))
    throw new WalletRefusal('The broker has not signed it yet. Try again in a moment.');
  return { cumulative: BigInt(cumulative), deadlineS: Math.round(Date.parse(deadline) / 1000), signature, call };
}
