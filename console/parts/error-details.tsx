import { useRef } from 'preact/hooks';
import { second } from '../live/clock.js';
import { token } from '../live/broker.js';
import { Button, LinkButton } from './button.js';
import { Copy } from './copy.js';
import type { ErrorNoteProps } from './error-note-props.js';
import { depositPath, isUnits } from './deposit-path.js';
import { failureInWords } from './failures.js';
import { Money } from './money.js';
import { Untrusted } from './untrusted.js';

/** What failed, in words, with the id that an operator can look up, and a way on. */
export function ErrorDetails({ error, onRetry, nextAtMs, action, children }: ErrorNoteProps) {
  // Known while the next reading is under way, too: what the alert says stays.
  const lastNextAtMs = useRef(nextAtMs);
  lastNextAtMs.current = nextAtMs ?? lastNextAtMs.current;
  return (
    <div class="note tone-bad">
      <Said error={error} nextAtMs={lastNextAtMs.current} action={action} />
      {children}
      {error.code === 'insufficient_funds' && <ToDeposit error={error} />}
      <div class="row">
        {onRetry !== undefined && (
          <Button size="s" onClick={onRetry}>
            Try again
          </Button>
        )}
        {nextAtMs !== undefined && <Until atMs={nextAtMs} />}
        {error.requestId !== undefined && (
          <span class="row small soft">
            <span>
              Request <code class="request-id">{error.requestId.slice(0, 8)}…</code>
            </span>
            <Copy text={error.requestId} what="the id of the request">
              Copy id
            </Copy>
          </span>
        )}
      </div>
    </div>
  );
}

/** Leads to the deposit, with what is missing filled in. */
function ToDeposit({ error: { data } }: Pick<ErrorNoteProps, 'error'>) {
  const { required, missing } = data as { required?: unknown; missing?: unknown };
  const to = depositPath({ required, missing }, token().decimals);
  return (
    <div class="stack tight">
      {isUnits(missing) && (
        <p>
          <Money units={missing} /> are missing.
        </p>
      )}
      <div class="row">
        <LinkButton size="s" kind="main" to={to}>
          Deposit…
        </LinkButton>
      </div>
    </div>
  );
}

/** What is read out, once: a screen reader reads all of an alert again when anything in it changes. */
function Said({ error, nextAtMs, action }: Pick<ErrorNoteProps, 'error' | 'nextAtMs' | 'action'>) {
  const { title, advice } = failureInWords(error, { nextAtMs, action });
  return (
    <div role="alert" class="stack tight">
      <p class="note-title">
        <span aria-hidden="true">✕ </span>
        {title}
      </p>
      {error.detail !== '' && error.detail !== title && (
        <p>
          <Untrusted text={error.detail} max={300} />
        </p>
      )}
      {error.fields !== undefined && (
        <ul>
          {error.fields.map(({ field, message }) => (
            <li key={field}>
              <code>
                <Untrusted text={field} />
              </code>{' '}
              <Untrusted text={message} max={200} />
            </li>
          ))}
        </ul>
      )}
      {advice !== undefined && <p>{advice}</p>}
    </div>
  );
}

/** Each second, for who sees it. */
function Until({ atMs }: { atMs: number }) {
  void second.value;
  const leftS = Math.max(0, Math.ceil((atMs - Date.now()) / 1000));
  return (
    <span class="small soft num" role="timer" aria-live="off">
      {leftS === 0 ? 'again now' : `again in ${leftS} s`}
    </span>
  );
}
