import type { VerifiedReceipts } from '../../src/client/verify-receipts.js';
import { canAct } from '../live/index.js';
import { Button, Card, ErrorNote, Money, Untrusted } from '../parts/index.js';
import { useVerification } from './use-verification.js';

/** More would not be read; the file has all of them. */
const mostShown = 50;

interface VerifyAllProps {
  /** `all of your receipts` */
  what: string;
  /** What is checked, in a sentence. */
  lead: string;
  verify(): Promise<VerifiedReceipts>;
}

/** Checks many receipts at once in this browser. */
export function VerifyAll({ what, lead, verify }: VerifyAllProps) {
  const { found, failure, isBusy, run } = useVerification(verify);
  return (
    <Card
      title={`Check ${what}`}
      aside={
        <Button size="s" busy={isBusy} disabled={!canAct.value} onClick={() => void run()}>
          Verify all
        </Button>
      }
    >
      <div class="stack">
        <p class="soft">{lead}</p>
        {failure !== undefined && <ErrorNote error={failure} />}
        <div class="stack" aria-live="polite">
          {found !== undefined && <Found found={found} />}
        </div>
      </div>
    </Card>
  );
}

function Found({ found: { problems, count, pending, charged, refunded } }: { found: VerifiedReceipts }) {
  if (count === 0) return <p>There are none yet.</p>;
  const counted = `${count} ${count === 1 ? 'receipt' : 'receipts'}`;
  return (
    <>
      <p class={`verdict ${problems.length === 0 ? 'tone-good' : 'tone-bad'}`}>
        <span aria-hidden="true">{problems.length === 0 ? '✓' : '✕'} </span>
        {problems.length === 0
          ? `${counted}: nothing is wrong`
          : `${counted}: ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}`}
      </p>
      {problems.length > 0 && (
        <ul class="problems">
          {problems.slice(0, mostShown).map((problem) => (
            <li key={problem}>
              <Untrusted text={problem} max={400} />
            </li>
          ))}
          {problems.length > mostShown && <li>and {problems.length - mostShown} more</li>}
        </ul>
      )}
      <p class="soft">
        <Money units={charged} /> charged, <Money units={refunded} /> of it refunded.
        {pending > 0 && ` ${pending} ${pending === 1 ? 'is' : 'are'} not signed yet; a worker signs within a minute.`}
      </p>
    </>
  );
}
