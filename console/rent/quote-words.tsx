import type { MarketType } from '../../src/client/index.js';
import { reliabilityText } from '../../src/words/reliability.js';
import { Button, Money, plain, Price, shortDuration, Untrusted } from '../parts/index.js';
import { numberOf, type OrderForm } from './order-form.js';
import { chargedAfter, priceParts } from './price-parts.js';
import { Refused, Remedies } from './refused.js';
import { machinesText, type Change } from './remedies.js';
import type { Quoted } from './use-quote.js';

export interface QuoteWordsProps {
  quoted: Quoted;
  form: OrderForm;
  types: readonly MarketType[];
  onChange(change: Change): void;
}

/** What an order costs and which machines would take it; or why none would, and what would help. */
export function QuoteWords({ quoted, form, types, onChange }: QuoteWordsProps) {
  const { quote, provider, isNobodyThere } = quoted;
  if (isNobodyThere && quote.can_start) {
    return (
      <div class="stack tight">
        <p class="summary-machines tone-warn">
          <span aria-hidden="true">▲ </span>No machine in <Untrusted text={form.region} max={20} /> can take this now
        </p>
        <Remedies remedies={[{ label: 'Search all regions', change: { region: '' } }]} onChange={onChange} />
      </div>
    );
  }
  if (!quote.can_start || quote.cost === null) {
    return <Refused quote={quote} form={form} types={types} onChange={onChange} />;
  }
  return (
    <div class="stack tight">
      <Cost quote={quote} form={form} />
      <SessionWords quote={quote} />
      <p class="summary-machines tone-good" role="status">
        <span aria-hidden="true">● </span>
        {machinesText(quote)}
      </p>
      <Machines quote={quote} form={form} isRegion={provider !== undefined} onChange={onChange} />
    </div>
  );
}

/** The price, what it is made of, and what is paid at most and at least. */
function Cost({ quote, form }: Pick<Quoted, 'quote'> & { form: OrderForm }) {
  const parts = priceParts(quote, numberOf(form.count) ?? 1);
  const seconds = (numberOf(form.hours) ?? 0) * 3_600;
  return (
    <>
      <dl class="summary-cost">
        {parts.length > 1 &&
          parts.map(({ label, units }) => (
            <div key={label} class="small soft">
              <dt>{label}</dt>
              <dd>
                <Money units={units} bare />
              </dd>
            </div>
          ))}
        <div>
          <dt>An hour</dt>
          <dd>{quote.price_per_hour !== null && <Price perHour={quote.price_per_hour} />}</dd>
        </div>
        <div class="summary-total">
          <dt>In all, if it runs to its end</dt>
          <dd>
            <Money units={quote.cost!.expected} />
          </dd>
        </div>
        <div class="soft">
          <dt>At most, wherever it runs</dt>
          <dd>
            <Money units={quote.cost!.at_most} />
          </dd>
        </div>
      </dl>
      {seconds > 0 && (
        <p class="small soft">
          If you end it early, you pay for the time that it ran: <Money units={chargedAfter(quote, seconds / 2)} />{' '}
          after {shortDuration(seconds / 2)}. Nothing is paid until you can log in.
        </p>
      )}
    </>
  );
}

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

const reliableText = (share: number | null) => (share === null ? 'new' : `${reliabilityText(share)} reliable`);

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
