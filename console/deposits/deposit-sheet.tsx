import { unitsIn } from '../chain/vault-units.js';
import { ActionSheet } from '../chain/action-sheet.js';
import type { Action, VaultPlace } from '../chain/actions.js';
import type { ChainReads } from '../chain/chain-reads.js';
import { kept, ownActions } from '../chain/following.js';
import { WalletRefusal } from '../connect/wallets.js';
import { toast, token } from '../live/index.js';
import { amountInWords, Money, plain } from '../parts/index.js';
import { baseUnitsOf } from '../chain/vault-units.js';
import type { KnownVault } from './use-deposits.js';

interface DepositSheetProps {
  known: KnownVault;
  /** Base units. */
  amount: bigint;
  cap: bigint;
  onDone(): void;
  onClose(): void;
}

/** The two transactions of a deposit; the first is left out where the vault may fetch as much already. */
export function DepositSheet({ known, amount, cap, onDone, onClose }: DepositSheetProps) {
  const { place, decimals } = known;
  const asked = { amount: unitsIn(amount, decimals).toString(), cap: unitsIn(cap, decimals).toString() };
  const done = () => {
    // An approval that was kept has led to its deposit.
    for (const { id, action } of ownActions()) if (action.kind === 'approve') kept.drop(id);
    toast('Your deposit is sent. It can be spent once it is final.', 'good');
    onDone();
  };
  return (
    <ActionSheet
      title="Deposit"
      place={place}
      plan={async (reads, _, { owner }) => await depositPlan(reads, owner, place, { ...asked, decimals })}
      onDone={done}
      onClose={onClose}
    >
      <p>
        <Money units={amount} /> go from your wallet to the vault. All draws together may come to <Money units={cap} />.
      </p>
      <ol class="sheet-steps">
        <li>Your wallet lets the vault fetch this amount, and no more. Nothing moves yet.</li>
        <li>Your wallet sends the deposit. Compare the vault’s address there:</li>
      </ol>
      <p>
        <code class="sheet-address">{place.vault}</code>
      </p>
      <p class="small soft">
        On the chain with the id {place.chainId}. Each costs a little gas. Never send tokens to that address otherwise:
        they would be lost.
      </p>
    </ActionSheet>
  );
}

interface Wanted {
  amount: string;
  cap: string;
  decimals: number;
}

/** What has still to be sent. Some tokens change no approval but to or from nothing. */
async function depositPlan(
  reads: ChainReads,
  owner: string,
  { token: address, vault }: VaultPlace,
  { amount, cap, decimals }: Wanted,
): Promise<Action[]> {
  const [balance, allowance] = await Promise.all([
    reads.balance(address, owner),
    reads.allowance(address, owner, vault),
  ]);
  const wanted = BigInt(amount);
  if (balance < wanted) {
    const { symbol, decimals: ledger } = token();
    const has = amountInWords(baseUnitsOf(balance, decimals).toString(), {
      symbol: plain(symbol, 12),
      decimals: ledger,
    });
    throw new WalletRefusal(`Your wallet has ${has}, which is less. Nothing was asked for.`);
  }
  const approve = (to: string): Action => ({ kind: 'approve', amount: to, cap });
  const approvals = allowance >= wanted ? [] : allowance > 0n ? [approve('0'), approve(amount)] : [approve(amount)];
  return [...approvals, { kind: 'deposit', amount, cap }];
}
