import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MarketType, Site } from '../../src/client/index.js';
import { canAct, login, nowMs } from '../live/index.js';
import { Button, Card, ErrorNote, Money, plain, Price, shortDuration, Skeleton, Untrusted } from '../parts/index.js';
import { reliabilityText } from '../../src/words/reliability.js';
import { counted } from '../market/words.js';
import { numberOf, quoteOrderOf, type OrderForm } from './order-form.js';
import { alternativesOf, machinesText, refusalsOf, type Change, type Remedy } from './remedies.js';
import type { Ordering } from './use-order.js';
import type { Quoted, ShownQuote } from './use-quote.js';

interface SummaryProps extends ShownQuote {
  form: OrderForm;
  site: Site;
  types: readonly MarketType[];
  ordering: Ordering;
  problemCount: number;
  /** What the broker says of fields that have no place on the page. */
  rest: readonly string[];
  onChange(change: Change): void;
  onRent(): void;
}

/** What the order is, what it costs and who would take it, and the one button that sends it. */
export function Summary({
  form,
  types,
  loaded,
  isSettling,
  ordering,
  problemCount,
  rest,
  onChange,
  onRent,
}: SummaryProps) {
  const { data, error } = loaded;
  const isFieldError = error?.fields !== undefined;
  const isComplete = quoteOrderOf(form) !== undefined;
  const place = useRef<HTMLDivElement>(null);
  return (
    <div class="summary-place" ref={place}>
      <Card title="Summary" class="summary">
        <p class="summary-what">{orderText(form, types)}</p>
        <div class={`summary-quote${isSettling || (data !== undefined && error !== undefined) ? ' is-settling' : ''}`}>
          {data === undefined &&
            error === undefined &&
            (isComplete ? (
              <Skeleton lines={4} height={1.4} />
            ) : (
              <p class="soft">What it costs stands here once all figures are numbers.</p>
            ))}
          {error !== undefined && !isFieldError && (
            <ErrorNote error={error} nextAtMs={loaded.nextAtMs} onRetry={loaded.reload} />
          )}
          {data !== undefined && !isFieldError && (
            <QuoteWords quoted={data} form={form} types={types} onChange={onChange} />
          )}
        </div>
        {rest.map((text) => (
          <p key={text} class="field-error">
            <Untrusted text={text} max={200} />
          </p>
        ))}
        {ordering.error !== undefined && ordering.error.fields === undefined && <ErrorNote error={ordering.error} />}
        <RentButton
          isBusy={ordering.isBusy}
          onRent={onRent}
          canStart={data?.quote.can_start}
          isWrong={problemCount > 0 || isFieldError}
        />
        <LoginEnd hours={numberOf(form.hours)} />
      </Card>
      <FiguresBar quoted={isFieldError ? undefined : data} place={place} />
    </div>
  );
}

/** On narrow screens the summary is far down: its figures stay at the lower edge until it comes into sight. */
function FiguresBar({ quoted, place }: { quoted: Quoted | undefined; place: RefObject<HTMLElement | null> }) {
  const [isInSight, setInSight] = useState(false);
  useEffect(() => {
    if (place.current === null) return undefined;
    const observer = new IntersectionObserver((entries) => setInSight(entries.at(-1)?.isIntersecting === true));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const cost = quoted?.quote.can_start === true ? quoted.quote.cost : undefined;
  return (
    <div class={`rent-bar${isInSight ? ' is-done' : ''}`}>
      <span>{cost ? <Money units={cost.expected} /> : quoted === undefined ? '' : 'Nobody takes this now'}</span>
      <Button size="s" onClick={() => place.current?.scrollIntoView({ block: 'start' })}>
        To the summary
      </Button>
    </div>
  );
}

function orderText(form: OrderForm, types: readonly MarketType[]) {
  const { count, cpu, memory, disk, hours } = form;
  const type = types.find((each) => each.gpu_type === form.gpu);
  const gpus = numberOf(count) === 0 ? 'No GPU' : `${count} × ${plain(type?.name ?? (form.gpu || 'any GPU'), 32)}`;
  const hoursNumber = numberOf(hours);
  const time = hoursNumber === undefined ? '' : `, ${shortDuration(hoursNumber * 3600)}`;
  return `${gpus}, ${counted(numberOf(cpu) ?? 0, 'core')}, ${memory} GB, ${disk} GB disk${time}`;
}

interface QuoteWordsProps {
  quoted: Quoted;
  form: OrderForm;
  types: readonly MarketType[];
  onChange(change: Change): void;
}

function QuoteWords({ quoted, form, types, onChange }: QuoteWordsProps) {
  const { quote, provider, isNobodyThere } = quoted;
  if (isNobodyThere && quote.can_start) {
    return (
      <div class="stack tight">
        <p class="summary-machines tone-warn">
          <span aria-hidden="true">▲ </span>Nobody in <Untrusted text={form.region} max={20} /> can take this now
        </p>
        <Remedies remedies={[{ label: 'Search all regions', change: { region: '' } }]} onChange={onChange} />
      </div>
    );
  }
  if (!quote.can_start || quote.cost === null) {
    return <Refused quoted={quoted} form={form} types={types} onChange={onChange} />;
  }
  return (
    <div class="stack tight">
      <dl class="summary-cost">
        <div>
          <dt>An hour</dt>
          <dd>{quote.price_per_hour !== null && <Price perHour={quote.price_per_hour} />}</dd>
        </div>
        <div class="summary-total">
          <dt>In all, if it runs to its end</dt>
          <dd>
            <Money units={quote.cost.expected} />
          </dd>
        </div>
        <div class="soft">
          <dt>At most</dt>
          <dd>
            <Money units={quote.cost.at_most} />
          </dd>
        </div>
      </dl>
      <SessionWords quote={quote} />
      <p class="summary-machines tone-good" role="status">
        <span aria-hidden="true">● </span>
        {machinesText(quote)}
      </p>
      <Machines quote={quote} form={form} isRegion={provider !== undefined} onChange={onChange} />
    </div>
  );
}

const reliableText = (share: number | null) => (share === null ? 'new' : `${reliabilityText(share)} reliable`);

function SessionWords({ quote: { session } }: Pick<Quoted, 'quote'>) {
  if (session === undefined) return null;
  if (session.covers === false)
    return (
      <p class="small tone-warn">
        <span aria-hidden="true">▲ </span>Your limit has <Money units={session.remaining} /> left. You are asked to
        allow more.
      </p>
    );
  return (
    <p class="small soft">
      Your limit has <Money units={session.remaining} /> left.
    </p>
  );
}

/** The machines in the order in which they are asked; one may be chosen. */
function Machines({
  quote,
  form,
  isRegion,
  onChange,
}: Pick<Quoted, 'quote'> & { form: OrderForm; isRegion: boolean; onChange(change: Change): void }) {
  if (form.provider !== '') {
    return (
      <div class="row small">
        <span>
          Only <Untrusted text={form.provider} max={24} />
        </span>
        <Button size="s" onClick={() => onChange({ provider: '' })}>
          Ask every provider
        </Button>
      </div>
    );
  }
  return (
    <ol class="summary-offers small" aria-label="Machines that can take this, the first to be asked first">
      {quote.offers.map((offer, at) => (
        <li key={offer.provider_id}>
          <span class="summary-offer-name">
            <Untrusted text={offer.provider_id} max={20} />
            <span class="soft">
              {' '}
              {at === 0 ? (isRegion ? 'in your region' : 'first choice') : reliableText(offer.reliability)}
            </span>
          </span>
          <Price perHour={offer.price_per_hour} bare />
          <button type="button" class="as-link" onClick={() => onChange({ provider: offer.provider_id, region: '' })}>
            only this<span class="hidden-text">: {plain(offer.provider_id, 24)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** Nobody takes it: why, and what would help, each with one click. */
function Refused({ quoted: { quote }, form, types, onChange }: QuoteWordsProps) {
  const { refusals, together } = refusalsOf(quote);
  const others = alternativesOf(form, types);
  return (
    <div class="stack tight">
      <p class="summary-machines tone-warn" role="status">
        <span aria-hidden="true">▲ </span>
        {machinesText(quote)}
      </p>
      <ul class="refusals">
        {refusals.map(({ text, remedy }) => (
          <li key={text}>
            <Untrusted text={text} max={200} />
            {remedy !== undefined && <Remedies remedies={[remedy]} onChange={onChange} />}
          </li>
        ))}
      </ul>
      {together !== undefined && <Remedies remedies={[together]} onChange={onChange} />}
      {others.length > 0 && (
        <>
          <p class="small soft">Free now instead:</p>
          <Remedies remedies={others} onChange={onChange} />
        </>
      )}
    </div>
  );
}

function Remedies({ remedies, onChange }: { remedies: readonly Remedy[]; onChange(change: Change): void }) {
  return (
    <div class="row remedies">
      {remedies.map(({ label, change }) => (
        <Button key={label} size="s" onClick={() => onChange(change)}>
          {plain(label, 80)}
        </Button>
      ))}
    </div>
  );
}

interface RentButtonProps {
  isBusy: boolean;
  /** Undefined while it is not known: then the broker is asked by the order itself. */
  canStart: boolean | undefined;
  isWrong: boolean;
  onRent(): void;
}

function RentButton({ isBusy, canStart, isWrong, onRent }: RentButtonProps) {
  const isConnected = login.value !== undefined;
  return (
    <div class="stack tight">
      <Button
        kind="main"
        class="summary-rent"
        onClick={onRent}
        busy={isBusy}
        disabled={canStart === false || !canAct.value}
      >
        {isConnected ? 'Rent' : 'Connect wallet and rent'}
      </Button>
      <p class="small soft" role="status">
        {!canAct.value
          ? 'The broker cannot be reached: nothing can be ordered now.'
          : isWrong
            ? 'Something in the form needs another value.'
            : isConnected
              ? ''
              : 'Your wallet signs once. You say how much this browser may spend.'}
      </p>
    </div>
  );
}

/** A job outlives the login that ordered it, and goes on without it. */
function LoginEnd({ hours }: { hours: number | undefined }) {
  const until = login.value?.expiresAt;
  if (until === undefined || hours === undefined) return null;
  if (Date.parse(until) > nowMs() + hours * 3_600_000) return null;
  return (
    <p class="small soft">
      Your login ends before the job does. The job goes on; to extend it, connect your wallet again.
    </p>
  );
}
