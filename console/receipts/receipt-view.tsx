import type { ComponentChildren } from 'preact';
import type { Receipt } from '../../src/client/types.generated.js';
import { token } from '../live/index.js';
import { CopyIcon } from '../parts/copy-icon.js';
import { amountInWords, Card, Duration, Money, plain, Stat, Stats, Time, Untrusted } from '../parts/index.js';
import { billedText, hasPayee, missedIn, percentOf, previousOf, resourcesText, workedLines } from './receipt-facts.js';

interface ReceiptViewProps {
  receipt: Receipt;
  /** Leads to the receipt before it, where whoever looks may read that one. */
  previous?: ComponentChildren;
}

/** All that a receipt says: the amount first, then how it comes about, then what was signed. */
export function ReceiptView({ receipt, previous }: ReceiptViewProps) {
  const { message } = receipt.typed_data;
  const missedMs = missedIn(message);
  return (
    <>
      {message.revision > 0 && (
        <p class="note">
          Money was given back: this is revision {message.revision} of the job’s receipt, with the totals after that. It
          counts instead of those before it.
        </p>
      )}
      <Stats>
        <Stat
          label={message.revision === 0 ? 'Charged' : 'Charged after the refund'}
          value={<Money units={message.charged} />}
          note={
            <>
              of <Money units={message.reserved} /> reserved
            </>
          }
        />
        <Stat
          label="Billed time"
          value={billedText(message.billedMs)}
          note={missedMs === 0 ? 'without a gap' : <Missed ms={missedMs} count={message.gaps.length} />}
        />
        <Stat label="Price per hour" value={<Money units={message.ratePerHour} />} note="frozen when it was placed" />
        <Stat
          label="The provider earns"
          value={<Money units={message.earned} />}
          note={
            <>
              after a fee of <Money units={message.fee} />
            </>
          }
        />
      </Stats>
      <Card title="How it is worked out" flush>
        <Worked receipt={receipt} />
      </Card>
      <div class="receipt-halves">
        <Card title="What was served">
          <Served receipt={receipt} />
        </Card>
        <Card title="What is signed">
          <Signed receipt={receipt} previous={previous} />
        </Card>
      </div>
    </>
  );
}

function Missed({ ms, count }: { ms: number; count: number }) {
  return (
    <>
      <Duration seconds={ms / 1_000} /> in {count} {count === 1 ? 'gap' : 'gaps'} not paid for
    </>
  );
}

const names = { billed: 'Billed time', charged: 'Charged', earned: 'The provider earns' } as const;

/** The figures as they are signed: base units and milliseconds. */
function Worked({ receipt }: { receipt: Receipt }) {
  const { message } = receipt.typed_data;
  const { symbol, decimals } = token();
  const inTokens = (units: string) => amountInWords(units, { symbol: plain(symbol, 12), decimals });
  return (
    <>
      <dl class="worked">
        {workedLines(message).map(({ what, how, result }) => (
          <div key={what}>
            <dt>{what === 'fee' ? `Fee, ${percentOf(message.feeBps)}` : names[what]}</dt>
            <dd>
              <span class="worked-how num soft">{how} =</span>
              <span class="num worked-result">
                {result} {what === 'billed' && 'ms'}
              </span>
              {what !== 'billed' && <span class="small soft worked-tokens">{inTokens(result)}</span>}
            </dd>
          </div>
        ))}
      </dl>
      <p class="worked-note small soft">
        Amounts are base units: 10<sup>{decimals}</sup> of them are 1 {plain(symbol, 12)}. Each result is rounded down.
      </p>
    </>
  );
}

function Served({ receipt }: { receipt: Receipt }) {
  const { message } = receipt.typed_data;
  return (
    <dl class="facts narrow">
      <Fact name="Rented">
        <Untrusted text={resourcesText(message.resources)} max={200} />
      </Fact>
      <Fact name="Machine">
        <Untrusted text={message.providerId} max={60} />
      </Fact>
      <Fact name="From">
        <Moment ms={message.readyAtMs} /> <span class="small soft">SSH answered</span>
      </Fact>
      <Fact name="Until">
        <Moment ms={message.servedUntilMs} />
      </Fact>
      {message.gaps.map(({ fromMs, toMs }) => (
        <Fact key={fromMs} name="Not served">
          <Moment ms={fromMs} /> to <Moment ms={toMs} />, <span class="num">{toMs - fromMs} ms</span>
        </Fact>
      ))}
      <Fact name="Ended">
        <Untrusted text={message.outcome.replaceAll('_', ' ')} max={40} />
      </Fact>
    </dl>
  );
}

function Signed({ receipt: { typed_data: typed, digest, signatures }, previous }: ReceiptViewProps) {
  const { message, domain } = typed;
  return (
    <dl class="facts narrow">
      <Fact name="Digest">
        <Hex text={digest} what="the digest" />
      </Fact>
      <Fact name="Signed by">
        {signatures.length === 0 ? (
          <span class="soft">nobody yet; a worker signs within a minute</span>
        ) : (
          signatures.map(({ signer }) => <Hex key={signer} text={signer} what="the signer" />)
        )}
      </Fact>
      <Fact name="Before it">
        {previousOf(message) === undefined ? (
          <span class="soft">none: it is the first of its customer</span>
        ) : (
          <>
            {previous} <Hex text={message.previous} what="the digest of the receipt before" />
          </>
        )}
      </Fact>
      <Fact name="Customer">
        <Hex text={message.customer} what="the customer’s wallet" />
      </Fact>
      <Fact name="Paid to">
        {hasPayee(message) ? (
          <Hex text={message.payee} what="the provider’s wallet" />
        ) : (
          <span class="soft">nobody yet: no wallet had proven to own the machine</span>
        )}
      </Fact>
      <Fact name="Order">
        <Hex text={message.orderHash} what="the hash of the order" />
      </Fact>
      <Fact name="Issued">
        <Moment ms={message.issuedAtMs} /> <span class="small soft">by</span>{' '}
        <Untrusted text={message.audience} max={100} />
        <span class="small soft">, chain {domain.chainId}</span>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Long hex, whole for who reads it, with a button that copies it. */
function Hex({ text, what }: { text: string; what: string }) {
  const shown = plain(text, 140);
  return (
    <span class="hex">
      <code>{shown}</code>
      <CopyIcon text={shown} what={what} />
    </span>
  );
}

const farthestMs = 8_640_000_000_000_000;

/** To the millisecond in its title, as the receipt has it. */
function Moment({ ms }: { ms: number }) {
  if (!(Math.abs(ms) <= farthestMs)) return <span class="num">{ms} ms</span>;
  const at = new Date(ms).toISOString();
  return (
    <span title={`${at} (${ms} ms)`}>
      <Time at={at} />
    </span>
  );
}
