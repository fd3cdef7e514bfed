import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { refresh, toast } from '../live/index.js';
import { CopyIcon } from '../parts/copy-icon.js';
import { Button, Money, State } from '../parts/index.js';
import type { Action } from './actions.js';
import type { Fate } from './fate.js';
import { blind, fates, isOver, kept, overInWords, ownActions, useFollowing } from './following.js';
import type { KeptAction } from './kept-actions.js';
import { baseUnitsOf } from './vault-units.js';

interface OnItsWayProps {
  kinds: readonly Action['kind'][];
  decimals: number;
  /** The last block that the broker has booked; undefined before the first. */
  readBlock: number | undefined;
  /** Goes on where an approval was followed by nothing. */
  onGoOn?(action: Action): void;
}

/** What this tab has asked the wallet to send, until the broker has booked it: also after a reload. */
export function OnItsWay({ kinds, decimals, readBlock, onGoOn }: OnItsWayProps) {
  useFollowing();
  const rows = ownActions().filter(({ action }) => kinds.includes(action.kind));
  useBooked(rows, readBlock);
  if (rows.length === 0) return null;
  return (
    <ul class="on-its-way" aria-live="polite">
      {rows.map((row) => (
        <li key={row.id}>
          <Row row={row} decimals={decimals} onGoOn={onGoOn} />
        </li>
      ))}
    </ul>
  );
}

/** What the broker has booked is done: it is said, and no longer kept. */
function useBooked(rows: readonly KeptAction[], readBlock: number | undefined): void {
  const booked = rows.filter(({ id, action }) => {
    const fate = fates.value[id];
    return action.kind !== 'approve' && fate?.is === 'mined' && readBlock !== undefined && readBlock >= fate.block;
  });
  useEffect(() => {
    for (const { id, action } of booked) {
      kept.drop(id);
      toast(doneWords[action.kind], 'good');
    }
    if (booked.length > 0) for (const what of ['jobs', 'chain', 'earnings']) refresh(what);
  }, [booked.map(({ id }) => id).join(' ')]);
}

const doneWords: Record<Action['kind'], string> = {
  approve: 'The vault may fetch the amount.',
  deposit: 'Your deposit has arrived: it can be spent.',
  'raise-cap': 'The higher cap holds.',
  withdraw: 'The withdrawal is done: it is in your wallet.',
  'request-exit': 'Your exit is asked for.',
  'cancel-exit': 'You stay: your deposit pays for jobs again.',
  exit: 'You have left: your deposit is in your wallet.',
  'withdraw-earnings': 'Your earnings are in your wallet.',
};

interface RowProps {
  row: KeptAction;
  decimals: number;
  onGoOn: OnItsWayProps['onGoOn'];
}

function Row({ row, decimals, onGoOn }: RowProps) {
  const fate = fates.value[row.id];
  const { action, hash } = row;
  const shownHash = fate?.is === 'mined' ? fate.hash : hash;
  const isDone = fate?.is === 'mined' && action.kind === 'approve';
  return (
    <div class="stack tight">
      <p class="row">
        <Look fate={fate} action={action} /> <What action={action} decimals={decimals} />
        {shownHash !== undefined && (
          <span class="with-copy small soft">
            <code title={shownHash}>{shownHash.slice(0, 10)}…</code>
            <CopyIcon text={shownHash} what="the id of the transaction" />
          </span>
        )}
      </p>
      <p class="small soft">{adviceOf(fate, action)}</p>
      {(isDone || fate === undefined || fate.is === 'asked' || isOver(fate)) && (
        <div class="row">
          {isDone && onGoOn !== undefined && (
            <Button size="s" kind="main" aria-haspopup="dialog" onClick={() => onGoOn(action)}>
              Go on with the deposit…
            </Button>
          )}
          <Button size="s" onClick={() => kept.drop(row.id)}>
            {fate !== undefined && isOver(fate) ? 'Understood' : isDone ? 'Leave it' : 'It was not sent: forget it'}
          </Button>
        </div>
      )}
    </div>
  );
}

function Look({ fate, action }: { fate: Fate | undefined; action: Action }) {
  if (fate === undefined) return <State tone="off">being looked for</State>;
  switch (fate.is) {
    case 'asked':
      return <State tone="busy">your wallet is asked</State>;
    case 'waiting':
      return fate.isSlow ? (
        <State tone="warn">not in a block yet</State>
      ) : (
        <State tone="busy">on its way to a block</State>
      );
    case 'mined':
      return action.kind === 'approve' ? (
        <State tone="good" glyph="✓">
          approved
        </State>
      ) : (
        <State tone="busy">in block {fate.block}, not final yet</State>
      );
    case 'reverted':
      return (
        <State tone="bad" glyph="✕">
          refused by the chain
        </State>
      );
    case 'replaced':
      return (
        <State tone="bad" glyph="✕">
          replaced by another transaction
        </State>
      );
    case 'dropped':
      return (
        <State tone="bad" glyph="✕">
          lost by the chain
        </State>
      );
  }
}

function What({ action, decimals }: { action: Action; decimals: number }): ComponentChildren {
  const money = (units: string) => <Money units={baseUnitsOf(BigInt(units), decimals)} />;
  switch (action.kind) {
    case 'approve':
      return <span>Leave to fetch {money(action.amount)}</span>;
    case 'deposit':
      return <span>Deposit of {money(action.amount)}</span>;
    case 'raise-cap':
      return <span>Cap of {money(action.cap)} in all</span>;
    case 'withdraw':
      return <span>Withdrawal of {money(action.amount)}</span>;
    case 'request-exit':
      return <span>Request for your exit</span>;
    case 'cancel-exit':
      return <span>Taking back your exit</span>;
    case 'exit':
      return <span>Your exit</span>;
    case 'withdraw-earnings':
      return <span>Withdrawal of your earnings</span>;
  }
}

function adviceOf(fate: Fate | undefined, action: Action): string {
  if (fate !== undefined && isOver(fate)) return overInWords(fate);
  if (blind.value === 'no wallet')
    return 'This page looks at the chain over your wallet, and does not find it now. Unlock it, or open it once.';
  if (blind.value === 'other chain') return 'Your wallet is on another chain now: change it back, and this goes on.';
  if (blind.value === 'no answer') return 'Your wallet’s node does not answer: this goes on by itself once it does.';
  if (fate === undefined) return 'The chain is being asked.';
  if (fate.is === 'asked')
    return 'Answer in your wallet. If you said no there or closed its window, forget it here; if you said yes, it is found.';
  if (fate.is === 'waiting')
    return fate.isSlow
      ? 'The chain asks for more gas than it offers. Open it in your wallet and choose “speed up”, or “cancel”: this page finds either.'
      : 'This takes from a second to a few minutes. You may leave: it goes on without this page.';
  return action.kind === 'approve'
    ? 'Nothing is deposited yet: your wallet has to send the deposit, too.'
    : 'The broker books it once its block is final, so that nobody can take it back.';
}
