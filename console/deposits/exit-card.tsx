import { useEffect, useState } from 'preact/hooks';
import type { Deposits } from '../../src/client/types.generated.js';
import { ActionSheet } from '../chain/action-sheet.js';
import type { Action } from '../chain/actions.js';
import { chainReads } from '../chain/chain-reads.js';
import { useOwnWallet } from '../chain/own-wallet.js';
import { canAct, nowMs, second, toast } from '../live/index.js';
import { Button, Card, Countdown, durationInWords, State, Time } from '../parts/index.js';
import type { KnownVault } from './use-deposits.js';

interface ExitCardProps {
  deposits: Deposits;
  known: KnownVault;
}

type Kind = Extract<Action['kind'], 'request-exit' | 'cancel-exit' | 'exit'>;

/** The way out that needs nobody's consent. */
export function ExitCard({ deposits: { exit_at: exitAt }, known }: ExitCardProps) {
  const [open, setOpen] = useState<Kind>();
  const delayS = useExitDelay(known);
  const waits = delayS === undefined ? 'the vault’s time, which is days' : durationInWords(delayS);
  const button = (kind: Kind, label: string, look: 'quiet' | 'danger' | 'main' = 'quiet') => (
    <Button kind={look} disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setOpen(kind)}>
      {label}
    </Button>
  );
  return (
    <Card title="Leave without the broker">
      <div class="stack tight">
        {exitAt === null ? (
          <>
            <p class="soft">
              If the broker is gone, or refuses what you want to take out: the vault itself gives you everything, after{' '}
              {waits}. Nobody can stop it. Until then you can order nothing here, and running jobs end before.
            </p>
            <div class="row">{button('request-exit', 'Ask for my exit…')}</div>
          </>
        ) : (
          <Leaving exitAt={exitAt} button={button} />
        )}
      </div>
      {open !== undefined && <ExitSheet kind={open} {...{ known, waits }} onClose={() => setOpen(undefined)} />}
    </Card>
  );
}

interface LeavingProps {
  exitAt: string;
  button(kind: Kind, label: string, look?: 'quiet' | 'danger' | 'main'): preact.ComponentChild;
}

function Leaving({ exitAt, button }: LeavingProps) {
  void second.value;
  const isTime = Date.parse(exitAt) <= nowMs();
  return (
    <>
      <p>
        {isTime ? (
          <State tone="good">Your exit is open</State>
        ) : (
          <State tone="warn">
            You leave in <Countdown to={exitAt} />
          </State>
        )}
      </p>
      <p class="soft">
        {isTime ? (
          'Take out everything now, or stay. What you owed for jobs until now was drawn before.'
        ) : (
          <>
            From <Time at={exitAt} /> on you can take out everything. Settlements may draw until then what your jobs
            have cost. You can order nothing while you leave.
          </>
        )}
      </p>
      <div class="row">
        {isTime && button('exit', 'Take everything out…', 'main')}
        {button('cancel-exit', 'Stay after all…')}
      </div>
    </>
  );
}

const sheets: Record<Kind, { title: string; done: string }> = {
  'request-exit': { title: 'Ask for my exit', done: 'Your exit is asked for; it counts once it is final.' },
  'cancel-exit': { title: 'Stay after all', done: 'It is sent. You can order again once it is final.' },
  exit: { title: 'Take everything out', done: 'It is sent: everything goes to your wallet.' },
};

function ExitSheet({ kind, known, waits, onClose }: { kind: Kind; known: KnownVault; waits: string; onClose(): void }) {
  const { title, done } = sheets[kind];
  return (
    <ActionSheet
      title={title}
      place={known.place}
      plan={async () => [{ kind }]}
      onDone={() => toast(done, 'good')}
      onClose={onClose}
    >
      {kind === 'request-exit' && (
        <ul class="sheet-steps">
          <li>From now on you can order and extend nothing here. A withdrawal that is held for you still works.</li>
          <li>Jobs that run go on for now, and end before your exit: what they cost is drawn.</li>
          <li>After {waits} you come back, and take out everything that is left, without the broker.</li>
          <li>Until you do, you can change your mind.</li>
        </ul>
      )}
      {kind === 'cancel-exit' && <p>Your deposit pays for jobs again. To leave later, you wait anew.</p>}
      {kind === 'exit' && <p>All that is left of yours goes from the vault to your wallet.</p>}
      <p class="small soft">Your wallet sends it, which costs a little gas.</p>
    </ActionSheet>
  );
}

/** As the vault itself says it, over the wallet; undefined where no wallet is there to ask. */
function useExitDelay({ place: { vault, chainId } }: KnownVault): number | undefined {
  const wallet = useOwnWallet();
  const [delayS, setDelayS] = useState<number>();
  useEffect(() => {
    if (wallet === undefined) return;
    const reads = chainReads(wallet.provider);
    const read = async () => ((await reads.chainId()) === chainId ? await reads.exitDelayS(vault) : undefined);
    // Without it, the words are less exact.
    void read().then(setDelayS, () => undefined);
  }, [wallet, vault, chainId]);
  return delayS;
}
