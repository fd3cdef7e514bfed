import type { Receipt } from '../../src/client/types.generated.js';
import type { CheckedPart } from '../../src/client/verify-receipts.js';
import { api, canAct } from '../live/index.js';
import { Button, Card, ErrorNote, State, Untrusted } from '../parts/index.js';
import { checkText } from './check-words.js';
import { useVerification } from './use-verification.js';

interface VerifyCardProps {
  receipt: Receipt;
  /** Reads what the checks need, and does them. */
  verify(): Promise<CheckedPart[]>;
}

/** Checks a receipt in this browser, and says what was looked at and what came of it. */
export function VerifyCard({ receipt, verify }: VerifyCardProps) {
  const { found: parts, failure, isBusy, run } = useVerification(verify);
  return (
    <Card
      title="Check it yourself"
      aside={
        <Button kind="main" size="s" busy={isBusy} disabled={!canAct.value} onClick={() => void run()}>
          {parts === undefined ? 'Verify' : 'Verify again'}
        </Button>
      }
    >
      <div class="stack">
        {failure !== undefined && <ErrorNote error={failure} />}
        <div class="stack" aria-live="polite">
          {parts === undefined ? <Before /> : <Outcome parts={parts} receipt={receipt} />}
        </div>
      </div>
    </Card>
  );
}

function Before() {
  return (
    <p class="soft">
      Your browser computes the digest anew, finds out who signed it, and does the arithmetic. For a check that uses
      none of this broker’s programs, save the receipt and use{' '}
      <a href={`${api}/docs/money#receipts`}>the verifier in Python</a>.
    </p>
  );
}

function Outcome({ parts, receipt }: { parts: readonly CheckedPart[]; receipt: Receipt }) {
  const failed = parts.filter(({ state }) => state === 'fails').length;
  const open = parts.filter(({ state }) => state === 'open').length;
  return (
    <>
      <p class={`verdict ${failed > 0 ? 'tone-bad' : open > 0 ? 'tone-warn' : 'tone-good'}`}>
        <span aria-hidden="true">{failed > 0 ? '✕' : open > 0 ? '○' : '✓'} </span>
        {failed > 0
          ? 'This receipt is not what the broker signed, or its figures are wrong'
          : open > 0
            ? 'Nothing is wrong, but not everything could be checked'
            : 'Everything in this receipt is right'}
      </p>
      <ul class="checks">
        {parts.map((part) => (
          <li key={part.check}>
            <State {...looks[part.state]}>{words[part.state]}</State>
            <span>
              {checkText(part, receipt)}
              {part.problems.map((problem) => (
                <span key={problem} class="check-problem">
                  <Untrusted text={problem} max={400} />
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
      {failed > 0 && <p>Save it, and show it to whoever runs this broker: nobody should be charged by it.</p>}
    </>
  );
}

const looks = {
  holds: { tone: 'good', glyph: '✓' },
  fails: { tone: 'bad', glyph: '✕' },
  open: { tone: 'off', glyph: '○' },
} as const;
const words = { holds: 'right', fails: 'wrong', open: 'open' } as const;
