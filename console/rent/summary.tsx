import { useRef } from 'preact/hooks';
import type { MarketType, Site } from '../../src/client/index.js';
import { counted } from '../market/words.js';
import { Card, ErrorNote, plain, shortDuration, Skeleton, Untrusted } from '../parts/index.js';
import { FiguresBar } from './figures-bar.js';
import { numberOf, quoteOrderOf, type OrderForm } from './order-form.js';
import { QuoteWords } from './quote-words.js';
import type { Change } from './remedies.js';
import { LoginEnd, RentButton } from './rent-button.js';
import type { Ordering } from './use-order.js';
import type { ShownQuote } from './use-quote.js';

interface SummaryProps extends ShownQuote {
  form: OrderForm;
  site: Site;
  types: readonly MarketType[];
  ordering: Ordering;
  /** It is not known whether what stands in the form was ordered. */
  isUnanswered: boolean;
  problemCount: number;
  /** What the broker says of fields that have no place on the page. */
  rest: readonly string[];
  onChange(change: Change): void;
  onRent(): void;
}

const orderedOnce =
  'It is not known whether it was ordered. Stay on this page and rent again: that makes one job at most. If you leave it, look among your jobs first.';

/** What the order is, what it costs and who would take it, and the one button that sends it. */
export function Summary(props: SummaryProps) {
  const { form, types, loaded, isSettling, ordering, isUnanswered, problemCount, rest, onChange, onRent } = props;
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
        {ordering.error !== undefined && ordering.error.fields === undefined && (
          <ErrorNote error={ordering.error} action={orderedOnce} />
        )}
        <RentButton
          {...{ isBusy: ordering.isBusy, change: ordering.change, onRent, isUnanswered }}
          canStart={data?.quote.can_start}
          isWrong={problemCount > 0 || isFieldError || !isComplete}
          isPricing={isSettling || (data === undefined && error === undefined)}
          isUnpriced={data === undefined}
        />
        <LoginEnd hours={numberOf(form.hours)} />
      </Card>
      <FiguresBar quoted={isFieldError ? undefined : data} place={place} />
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
