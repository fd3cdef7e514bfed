import type { Deposits } from '../../src/client/types.generated.js';
import { leftOfCap } from '../chain/cap-choice.js';
import { useBalance } from '../cost/standing.js';
import { Money, Stat, State, Stats } from '../parts/index.js';
import { capFactsOf } from './use-deposits.js';

/** What is free, what is held, what may be drawn, and what comes. */
export function Standing({ deposits }: { deposits: Deposits }) {
  const balance = useBalance();
  const { available, deposited, withdrawn, drawn, waiting, incoming } = deposits;
  const left = leftOfCap(capFactsOf(deposits));
  const coming = incoming.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  return (
    <Stats>
      <Stat label="Free" value={<Money units={available} />} note="for jobs, or to be taken out" />
      <Stat
        label="Reserved"
        value={balance.data === undefined ? '–' : <Money units={balance.data.reserved} />}
        note="held until the jobs end; what is left comes back"
      />
      <Stat
        label="May still be drawn"
        value={<Money units={left} />}
        note={
          left < BigInt(available) ? (
            <State tone="warn">less than is free: raise the cap</State>
          ) : (
            <>
              <Money units={drawn} /> was drawn so far
            </>
          )
        }
      />
      <Stat
        label="Deposited in all"
        value={<Money units={deposited} />}
        note={
          coming > 0n ? (
            <>
              and <Money units={coming} /> on its way
            </>
          ) : waiting !== '0' ? (
            <>
              <Money units={waiting} /> of it wait: too little to be booked
            </>
          ) : (
            <>
              <Money units={withdrawn} /> of it was taken out
            </>
          )
        }
      />
    </Stats>
  );
}
