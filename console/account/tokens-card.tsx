import { useState } from 'preact/hooks';
import { untilGone } from '../live/gone.js';
import { act, broker, canAct, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Button, Empty, Loaded, Skeleton, State, Table, Time, Untrusted, type Column } from '../parts/index.js';
import { Part } from './part.js';
import { scopesInWords, tokenRows, type TokenRow } from './session-rows.js';
import { TokenDialog } from './token-dialog.js';
import { useSessions } from './use-account.js';

/** Tokens of programs, and of this tab. */
export function TokensCard() {
  const sessions = useSessions();
  const [isNew, setNew] = useState(false);
  const [ending, setEnding] = useState<TokenRow>();
  return (
    <Part
      title="Tokens"
      count={sessions.data && tokenRows(sessions.data).length}
      aside={
        <Button size="s" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setNew(true)}>
          New token…
        </Button>
      }
    >
      <Loaded of={sessions} skeleton={<Skeleton lines={2} height={2.75} />}>
        {(data) => (
          <Table
            caption="Tokens of your wallet"
            rows={tokenRows(data)}
            rowKey={({ tokenId }) => tokenId}
            columns={columns(setEnding)}
            empty={
              <Empty title="No tokens">A program that rents for you has a token: what it may do, and how much.</Empty>
            }
          />
        )}
      </Loaded>
      {isNew && <TokenDialog onClose={() => setNew(false)} />}
      {ending !== undefined && <EndToken row={ending} onClose={() => setEnding(undefined)} />}
    </Part>
  );
}

function columns(onEnd: (row: TokenRow) => void): Column<TokenRow>[] {
  return [
    {
      key: 'label',
      head: 'Session',
      card: 'title',
      cell: ({ label, isOwn }) => (
        <span class="row">
          {label === undefined ? <span class="soft">not named</span> : <Untrusted text={label} max={60} />}
          {isOwn && <State tone="good">this browser</State>}
        </span>
      ),
    },
    { key: 'id', head: 'Id', card: 'hidden', cell: ({ tokenId }) => <code title={tokenId}>…{tokenId.slice(-4)}</code> },
    { key: 'may', head: 'It may', cell: ({ scopes }) => <Untrusted text={scopesInWords(scopes)} max={120} /> },
    { key: 'ends', head: 'Ends', cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    {
      key: 'end',
      head: '',
      card: 'actions',
      cell: (row) => (
        <Button size="s" kind="danger" disabled={!canAct.value} onClick={() => onEnd(row)}>
          Revoke…<span class="hidden-text"> the token …{row.tokenId.slice(-4)}</span>
        </Button>
      ),
    },
  ];
}

function EndToken({ row, onClose }: { row: TokenRow; onClose(): void }) {
  const run = async () => {
    await act(() => untilGone(() => broker().tokens.revoke(row.tokenId)));
    toast('The token is revoked.', 'good');
    refresh('account');
  };
  return (
    <ActionDialog title="Revoke this token?" confirm="Revoke" danger run={run} onClose={onClose}>
      <p>Whatever uses it is refused at once. Jobs that it ordered go on.</p>
      {row.isOwn && <p>This browser itself uses it: you connect again to go on.</p>}
    </ActionDialog>
  );
}
