import { useState } from 'preact/hooks';
import type { Deposits } from '../../src/client/types.generated.js';
import { PageHead } from '../app/page.js';
import type { PageProps } from '../app/router.js';
import type { Action } from '../chain/actions.js';
import { hasChain } from '../chain/has-chain.js';
import { NoChain } from '../chain/no-chain.js';
import { OnItsWay } from '../chain/on-its-way.js';
import { login } from '../live/index.js';
import { Card, ConnectFirst, LinkButton, Loaded, Money, Skeleton, State } from '../parts/index.js';
import { CapCard } from './cap-card.js';
import { DepositCard } from './deposit-card.js';
import { ExitCard } from './exit-card.js';
import { FactsCard } from './facts-card.js';
import { Standing } from './standing.js';
import { useDeposits, vaultIn, type KnownVault } from './use-deposits.js';
import { WithdrawCard } from './withdraw-card.js';

const lead = 'Jobs are paid from what you deposit in a vault on a chain. It is yours until a job has used it.';
const ofCustomers: readonly Action['kind'][] = [
  ...(['approve', 'deposit', 'raise-cap', 'withdraw', 'request-exit', 'cancel-exit', 'exit'] as const),
];

/** What a wallet has in the vault, and the ways in and out. */
export default function DepositsPage({ query }: PageProps) {
  const isThere = hasChain();
  const deposits = useDeposits();
  if (isThere !== true || login.value === undefined) {
    return (
      <>
        <PageHead title="Deposits" {...(isThere === true ? { lead } : {})} />
        {isThere === undefined ? <Skeleton lines={4} /> : isThere ? <ConnectFirst what="Deposits" /> : <NoChain />}
      </>
    );
  }
  return (
    <>
      <PageHead title="Deposits" lead={lead}>
        <LinkButton to="/settlements">Settlements</LinkButton>
      </PageHead>
      <Loaded of={deposits} skeleton={<Skeleton lines={3} height={6} />}>
        {(read) => <Body deposits={read} query={query} />}
      </Loaded>
    </>
  );
}

function Body({ deposits, query }: { deposits: Deposits; query: URLSearchParams }) {
  const known = vaultIn(deposits);
  if (known === undefined)
    return (
      <Card title="The vault">
        <p>
          <State tone="busy">The broker has not read its vault yet</State>
        </p>
        <p class="soft">Its workers do so within a minute of their start. This page goes on by itself.</p>
      </Card>
    );
  return (
    <div class="stack loose">
      <Standing deposits={deposits} />
      <Ways deposits={deposits} known={known} query={query} />
      <FactsCard deposits={deposits} known={known} />
    </div>
  );
}

interface WaysProps {
  deposits: Deposits;
  known: KnownVault;
  query: URLSearchParams;
}

function Ways({ deposits, known, query }: WaysProps) {
  const [going, setGoing] = useState<Action>();
  return (
    <>
      <OnItsWay
        kinds={ofCustomers}
        decimals={known.decimals}
        readBlock={deposits.read_block ?? undefined}
        onGoOn={setGoing}
      />
      <Incoming deposits={deposits} />
      <div class="deposit-ways">
        <DepositCard {...{ deposits, known, query, going }} onWent={() => setGoing(undefined)} />
        <CapCard {...{ deposits, known }} />
        <WithdrawCard {...{ deposits, known }} />
        <ExitCard {...{ deposits, known }} />
      </div>
    </>
  );
}

/** What the broker has seen and not booked: also what another browser or program has sent. */
function Incoming({ deposits: { incoming, confirmations } }: { deposits: Deposits }) {
  if (incoming.length === 0) return null;
  return (
    <Card title="Seen by the broker, not final yet">
      <ul class="incoming">
        {incoming.map(({ tx_hash: hash, amount, block }) => (
          <li key={`${hash} ${amount}`} class="row">
            <State tone="busy">
              <Money units={amount} />
            </State>
            <span class="small soft">
              in block {block}, transaction <code title={hash}>{hash.slice(0, 10)}…</code>
            </span>
          </li>
        ))}
      </ul>
      <p class="small soft">
        It can be spent once{' '}
        {confirmations === 'finalized' ? 'the chain calls its block final' : `${confirmations} blocks have followed it`}
        : until then the chain may take it back.
      </p>
    </Card>
  );
}
