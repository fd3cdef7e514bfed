import { useEffect, useState } from 'preact/hooks';
import type { Earnings } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { useDeposits, vaultIn, type KnownVault } from '../deposits/use-deposits.js';
import { canAct, login, toast } from '../live/index.js';
import { Button, Card, Loaded, Money, Skeleton, State, Time } from '../parts/index.js';
import { ActionSheet } from './action-sheet.js';
import { chainReads } from './chain-reads.js';
import { fates } from './following.js';
import { OnItsWay } from './on-its-way.js';
import { useOwnWallet } from './own-wallet.js';
import { baseUnitsOf } from './vault-units.js';

/** What an owner has earned, on its way from the ledger into the wallet. */
export default function EarnedOnChain({ earnings }: { earnings: Earnings }) {
  const deposits = useDeposits();
  return (
    <Loaded of={deposits} skeleton={<Skeleton lines={2} height={4} />}>
      {(read) => {
        const known = vaultIn(read);
        return known === undefined ? null : (
          <Way earnings={earnings} known={known} readBlock={read.read_block ?? undefined} />
        );
      }}
    </Loaded>
  );
}

interface WayProps {
  earnings: Earnings;
  known: KnownVault;
  readBlock: number | undefined;
}

function Way({ earnings, known, readBlock }: WayProps) {
  const [isOpen, setOpen] = useState(false);
  const { payable, in_batch: inBatch, next_batch_at: next, withdrawable } = earnings;
  const there = usePayee(known);
  const inVault = there?.inVault ?? BigInt(withdrawable);
  const owes = payable.startsWith('-');
  return (
    <Card
      title="On the way to your wallet"
      aside={
        <Button
          kind="main"
          size="s"
          disabled={inVault === 0n || !canAct.value}
          aria-haspopup="dialog"
          onClick={() => setOpen(true)}
        >
          Take it out…
        </Button>
      }
    >
      <div class="stack">
        <OnItsWay kinds={['withdraw-earnings']} decimals={known.decimals} readBlock={readBlock} />
        <ol class="earned-way">
          <li>
            <span class="earned-step">1. Earned</span>
            <b>
              <Money units={owes ? '0' : payable} />
            </b>
            <span class="small soft">
              {owes ? (
                <>
                  you owe <Money units={payable.slice(1)} />: refunded after it was credited
                </>
              ) : next === null ? (
                'goes into the next settlement'
              ) : (
                <>
                  goes into the settlement of <Time at={next} />
                </>
              )}
            </span>
          </li>
          <li>
            <span class="earned-step">2. In a settlement</span>
            <b>
              <Money units={inBatch} />
            </b>
            <span class="small soft">
              <Link to="/settlements">public</Link>, until the vault executes it
            </span>
          </li>
          <li>
            <span class="earned-step">3. In the vault</span>
            <b>
              <Money units={inVault} />
            </b>
            <span class="small soft">
              {inVault > 0n ? <State tone="good">yours: nobody can take it back</State> : 'credited to you, and yours'}
            </span>
          </li>
          <li>
            <span class="earned-step">4. In your wallet</span>
            <b>{there === undefined ? <span class="soft">–</span> : <Money units={there.taken} />}</b>
            <span class="small soft">
              {there === undefined ? 'shown where your wallet is on this chain' : 'taken out so far'}
            </span>
          </li>
        </ol>
      </div>
      {isOpen && (
        <ActionSheet
          title="Take your earnings out"
          place={known.place}
          plan={async () => [{ kind: 'withdraw-earnings' }]}
          onDone={() => toast('It is sent: your earnings go to your wallet.', 'good')}
          onClose={() => setOpen(false)}
        >
          <p>
            <Money units={inVault} /> go from the vault to your wallet: all that was credited to you. It needs nobody’s
            consent.
          </p>
          <p class="small soft">Your wallet sends it, which costs a little gas; larger sums cost no more.</p>
        </ActionSheet>
      )}
    </Card>
  );
}

const everyMs = 10_000;

/** What the vault itself says of the wallet's earnings, in base units; undefined where no wallet can be asked. */
function usePayee({ place: { vault, chainId }, decimals }: KnownVault) {
  const wallet = useOwnWallet();
  const account = login.value?.wallet;
  const [there, setThere] = useState<{ inVault: bigint; taken: bigint }>();
  // What was sent from here may have changed it.
  const changes = Object.values(fates.value).filter(({ is }) => is === 'mined').length;
  useEffect(() => {
    if (wallet === undefined) return undefined;
    const reads = chainReads(wallet.provider);
    const look = async () => {
      if (account === undefined || (await reads.chainId()) !== chainId) return;
      const { credited, withdrawn } = await reads.payee(vault, account);
      setThere({ inVault: baseUnitsOf(credited - withdrawn, decimals), taken: baseUnitsOf(withdrawn, decimals) });
    };
    const lookQuietly = () => void look().catch(() => undefined);
    lookQuietly();
    const timer = setInterval(lookQuietly, everyMs);
    return () => clearInterval(timer);
  }, [wallet, account, vault, chainId, decimals, changes]);
  return there;
}
