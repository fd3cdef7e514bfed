import type { Whoami } from '../../src/client/shapes.js';
import { allowMore, canAct, login } from '../live/index.js';
import { Bar, Button, Card, Copy, Countdown, Loaded, Money, partOf, Skeleton, Time } from '../parts/index.js';
import { scopesInWords } from './session-rows.js';
import { useWhoami } from './use-account.js';

/** The wallet, and what this browser may do and spend. */
export function SessionCard() {
  const me = useWhoami();
  const wallet = login.value?.wallet ?? '';
  return (
    <Card
      title="This browser"
      aside={
        <Button size="s" disabled={!canAct.value} onClick={() => void allowMore('0')}>
          Change the limit…
        </Button>
      }
    >
      <div class="stack">
        <p class="row wallet-line">
          <code class="wallet-address">{wallet}</code>
          <Copy text={wallet} what="the address of the wallet" />
        </p>
        <Loaded of={me} skeleton={<Skeleton lines={3} />}>
          {(data) => <Session me={data} />}
        </Loaded>
      </div>
    </Card>
  );
}

function Session({ me }: { me: Whoami }) {
  return (
    <div class="stack">
      {me.spend_limit === '0' ? <p>It may look, and spend nothing.</p> : <Limit me={me} />}
      <dl class="facts narrow">
        <div>
          <dt>It may</dt>
          <dd>{scopesInWords(me.scopes)}</dd>
        </div>
        <div>
          <dt>Ends</dt>
          <dd>
            at <Time at={me.expires_at} />, in <Countdown to={me.expires_at} />. Jobs go on.
          </dd>
        </div>
      </dl>
    </div>
  );
}

function Limit({ me }: { me: Whoami }) {
  const [spent, held] = [partOf(me.spend_spent, me.spend_limit), partOf(me.spend_reserved, me.spend_limit)];
  return (
    <div class="stack tight">
      <p class="account-left">
        <Money units={me.spend_remaining} /> <span class="soft">left of</span> <Money units={me.spend_limit} />
      </p>
      <Bar
        used={spent}
        held={held}
        label={`${Math.round(spent * 100)} % spent, ${Math.round(held * 100)} % reserved`}
      />
      <p class="row small soft">
        <span>
          <Money units={me.spend_spent} /> spent
        </span>
        <span>
          <Money units={me.spend_reserved} /> reserved (hatched): held for jobs that have not ended
        </span>
      </p>
    </div>
  );
}
