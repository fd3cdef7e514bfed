import { useState } from 'preact/hooks';
import type { ListedSession } from '../../src/client/shapes.js';
import { untilGone } from '../live/gone.js';
import { act, broker, canAct, refresh, tellEnded, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Button, Loaded, Money, Skeleton, State, Table, Time, Untrusted, type Column } from '../parts/index.js';
import { Part } from './part.js';
import { liveSessions, otherSessions, scopesInWords } from './session-rows.js';
import { useSessions } from './use-account.js';

/** All logins of the wallet, anywhere, with an end for each. */
export function SessionsCard() {
  const sessions = useSessions();
  const [ending, setEnding] = useState<ListedSession[]>();
  const others = otherSessions(sessions.data ?? []);
  return (
    <Part
      title="Sessions"
      count={sessions.data && liveSessions(sessions.data).length}
      aside={
        others.length > 0 && (
          <Button kind="danger" size="s" disabled={!canAct.value} onClick={() => setEnding(others)}>
            End all others…
          </Button>
        )
      }
    >
      <Loaded of={sessions} skeleton={<Skeleton lines={3} height={2.75} />}>
        {(data) => (
          <Table
            caption="Sessions of your wallet"
            rows={liveSessions(data)}
            rowKey={({ session_id: id }) => id}
            columns={columns((session) => setEnding([session]))}
            empty={<p class="soft account-none">No session is live.</p>}
          />
        )}
      </Loaded>
      {ending !== undefined && <EndSessions sessions={ending} onClose={() => setEnding(undefined)} />}
    </Part>
  );
}

function columns(onEnd: (session: ListedSession) => void): Column<ListedSession>[] {
  return [
    {
      key: 'label',
      head: 'Where',
      card: 'title',
      cell: ({ label, current }) => (
        <span class="row">
          {label === undefined ? <span class="soft">not named</span> : <Untrusted text={label} max={60} />}
          {current && <State tone="good">this browser</State>}
        </span>
      ),
    },
    { key: 'may', head: 'It may', cell: ({ scopes }) => <Untrusted text={scopesInWords(scopes)} max={120} /> },
    { key: 'limit', head: 'Limit', align: 'end', cell: ({ spend_limit: limit }) => <Money units={limit} bare /> },
    { key: 'spent', head: 'Spent', align: 'end', cell: ({ spend_spent: spent }) => <Money units={spent} bare /> },
    { key: 'used', head: 'Used', cell: ({ last_used_at: at }) => (at === undefined ? '–' : <Time at={at} />) },
    { key: 'ends', head: 'Ends', cell: ({ expires_at: at }) => <Time at={at} /> },
    {
      key: 'end',
      head: '',
      card: 'actions',
      cell: (session) => (
        <Button size="s" kind="danger" disabled={!canAct.value} onClick={() => onEnd(session)}>
          End…<span class="hidden-text"> the session {session.current ? 'of this browser' : ''}</span>
        </Button>
      ),
    },
  ];
}

/** Ends sessions one by one: a token may do that, so the wallet need not sign. */
function EndSessions({ sessions, onClose }: { sessions: readonly ListedSession[]; onClose(): void }) {
  const isOwn = sessions.some(({ current }) => current);
  const [count, plural] = [sessions.length, sessions.length > 1];
  const run = async () => {
    // This browser's own one comes last: it is what the others are ended with.
    for (const { session_id: id } of [...sessions].sort((a, b) => Number(a.current) - Number(b.current))) {
      await act(() => untilGone(() => broker().sessions.revoke(id)));
      tellEnded(id);
    }
    toast(plural ? `${count} sessions have ended.` : 'The session has ended.', 'good');
    refresh('account');
  };
  return (
    <ActionDialog
      title={plural ? `End ${count} sessions?` : 'End this session?'}
      confirm={plural ? 'End them' : 'End it'}
      danger
      run={run}
      onClose={onClose}
    >
      <p>
        Whoever uses {plural ? 'them' : 'it'} is logged out at once, and {plural ? 'their' : 'its'} tokens stop working.
        Jobs go on.
      </p>
      {isOwn && <p>It is the one of this browser: you connect again to go on.</p>}
    </ActionDialog>
  );
}
