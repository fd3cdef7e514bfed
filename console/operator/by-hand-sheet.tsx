import { useState } from 'preact/hooks';
import { actAsOperator, refresh, toast, token } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { amountInWords, Input, Money, plain, shortAddress } from '../parts/index.js';
import { noAmount, readAmount } from '../parts/amount-field.js';
import { AmountInput } from '../parts/amount-input.js';
import { bookOnce, tryAgain } from './booking-key.js';

export type ByHandKind = 'payout' | 'payment';

interface ByHandSheetProps {
  kind: ByHandKind;
  /** Whose row it was opened at, and what stands open there in base units. */
  given?: { wallet: string; open: string };
  onClose(): void;
}

const words = {
  payout: {
    title: 'Record a payout',
    lead: 'You paid a provider outside of the broker. This writes it down; it moves no money. More than the wallet has earned is refused.',
    wallet: 'Wallet that was paid',
    confirm: 'Record the payout of',
    open: 'It has to come',
    done: 'It is written down. To come:',
  },
  payment: {
    title: 'Record a payment',
    lead: 'A customer paid you outside of the broker. This writes it down; it moves no money. It counts for the oldest charges first.',
    wallet: 'Wallet that paid',
    confirm: 'Record the payment of',
    open: 'It owes',
    done: 'It is written down. Free for its jobs:',
  },
} as const;

const walletPattern = /^0x[0-9a-fA-F]{40}$/;
const longestReference = 200;

/** Writes down money that moved outside of the broker, with a reference by which it is found there. */
export function ByHandSheet({ kind, given, onClose }: ByHandSheetProps) {
  const said = words[kind];
  const { symbol, decimals } = token();
  const [wallet, setWallet] = useState(given?.wallet ?? '');
  const [entered, setEntered] = useState(noAmount);
  const [reference, setReference] = useState('');
  const amount = readAmount(entered, decimals);
  const walletProblem = walletPattern.test(wallet.trim()) ? undefined : 'A wallet is 0x and 40 hex digits.';
  const referenceProblem = oneLineProblem(reference, longestReference);
  const exact = (units: string) => amountInWords(units, { symbol: plain(symbol, 12), decimals });
  const run = async () => {
    if (!('units' in amount)) return;
    const booking = { wallet: wallet.trim(), amount: amount.units, reference: reference.trim() };
    const booked = await bookOnce(kind, booking.wallet, (idempotencyKey) =>
      actAsOperator((client) => client.admin.money[kind]({ ...booking, idempotencyKey })),
    );
    toast(`${said.done} ${exact(booked.balance)}.`, 'good');
    refresh('operator');
  };
  return (
    <ActionDialog
      title={said.title}
      confirm={'units' in amount ? `${said.confirm} ${exact(amount.units)}` : said.title}
      disabled={walletProblem !== undefined || referenceProblem !== undefined || !('units' in amount)}
      ifUnknown={tryAgain}
      run={run}
      onClose={onClose}
    >
      <p class="soft">{said.lead}</p>
      <Input
        label={said.wallet}
        class="typed"
        placeholder="0x…"
        value={wallet}
        error={wallet === '' ? undefined : walletProblem}
        hint={
          given !== undefined && wallet === given.wallet ? (
            <>
              {said.open} <Money units={given.open} />
            </>
          ) : undefined
        }
        onInput={setWallet}
      />
      <AmountInput label="Amount" value={entered} onInput={setEntered} />
      <Input
        label="Reference"
        placeholder="invoice 2026-114, transaction 0x…"
        hint={`Where to look it up; the wallet’s owner reads it.${walletProblem === undefined ? ` For ${shortAddress(wallet.trim())}.` : ''}`}
        value={reference}
        maxLength={longestReference}
        error={reference === '' ? undefined : referenceProblem}
        onInput={setReference}
      />
    </ActionDialog>
  );
}

/** What is wrong with a line that others read; undefined if nothing is. */
export function oneLineProblem(text: string, longest: number): string | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return 'It is needed.';
  if ([...trimmed].length > longest) return `Use ${longest} characters at most.`;
  return /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(trimmed)
    ? 'Write it in one line, without invisible characters.'
    : undefined;
}
