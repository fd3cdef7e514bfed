import type { Settlement } from '../../src/client/types.generated.js';
import { chainReads, type ChainReads } from '../chain/chain-reads.js';
import { ownWalletNow } from '../chain/own-wallet.js';
import { login } from '../live/index.js';
import { Button, Card, ErrorNote, State } from '../parts/index.js';
import { useVerification } from '../receipts/use-verification.js';
import type { Checked } from './check-settlement.js';

/** Computes the settlement's hash anew in this browser, and asks the vault over the wallet. */
export function CheckCard({ settlement }: { settlement: Settlement }) {
  const { found, failure, isBusy, run } = useVerification(async () => {
    // It brings what computes hashes along, which nothing else on this page needs.
    const { checkSettlement } = await import('./check-settlement.js');
    return await checkSettlement(settlement, await readsOf(settlement.chain_id), login.peek()?.wallet);
  });
  return (
    <Card
      title="Check it yourself"
      aside={
        <Button kind="main" size="s" busy={isBusy} onClick={() => void run()}>
          {found === undefined ? 'Check' : 'Check again'}
        </Button>
      }
    >
      <div class="stack" aria-live="polite">
        {failure !== undefined && <ErrorNote error={failure} />}
        {found === undefined ? (
          <p class="soft">
            Your browser computes the hash of all lines anew, and compares it with what the vault has, over your own
            wallet: the broker could say anything.
          </p>
        ) : (
          <Outcome found={found} />
        )}
      </div>
    </Card>
  );
}

/** The vault over a wallet that is on its chain; what a node cannot answer is open, not wrong. */
async function readsOf(chainId: number): Promise<ChainReads | undefined> {
  const wallet = await ownWalletNow();
  if (wallet === undefined) return undefined;
  const reads = chainReads(wallet.provider);
  return (await reads.chainId().catch(() => undefined)) === chainId ? reads : undefined;
}

const looks = {
  holds: { tone: 'good', glyph: '✓', word: 'right' },
  fails: { tone: 'bad', glyph: '✕', word: 'wrong' },
  open: { tone: 'off', glyph: '○', word: 'open' },
} as const;

function Outcome({ found }: { found: readonly Checked[] }) {
  const has = (state: Checked['state']) => found.some((each) => each.state === state);
  const worst = has('fails') ? 'fails' : has('open') ? 'open' : 'holds';
  const { tone, glyph } = looks[worst];
  return (
    <>
      <p class={`verdict tone-${tone === 'off' ? 'warn' : tone}`}>
        <span aria-hidden="true">{glyph} </span>
        {verdicts[worst]}
      </p>
      <ul class="checks">
        {found.map(({ state, text }) => (
          <li key={text}>
            <State tone={looks[state].tone} glyph={looks[state].glyph}>
              {looks[state].word}
            </State>
            <span>{text}</span>
          </li>
        ))}
      </ul>
      {worst === 'fails' && (
        <p>Tell whoever runs this broker, and its guardian, who can veto it while there is time.</p>
      )}
    </>
  );
}

const verdicts = {
  holds: 'What the vault has is what stands here',
  open: 'Nothing is wrong, but not everything could be looked at',
  fails: 'What stands here is not what the vault has',
} as const;
