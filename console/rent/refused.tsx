import type { MarketType, Quote } from '../../src/client/index.js';
import { Button, plain, Untrusted } from '../parts/index.js';
import type { OrderForm } from './order-form.js';
import { alternativesOf, machinesText, refusalsOf, type Change, type Remedy } from './remedies.js';

interface RefusedProps {
  quote: Quote;
  form: OrderForm;
  types: readonly MarketType[];
  onChange(change: Change): void;
}

/** Nobody takes it: why, and what would help, each with one click. */
export function Refused({ quote, form, types, onChange }: RefusedProps) {
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

export function Remedies({ remedies, onChange }: { remedies: readonly Remedy[]; onChange(change: Change): void }) {
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
