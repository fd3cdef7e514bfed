import { token } from '../live/broker.js';
import { readAmount, type AmountEntered } from './amount-field.js';
import { Input, Segmented } from './field.js';
import { amountInWords, plain } from './words.js';

interface AmountInputProps {
  label: string;
  value: AmountEntered;
  onInput(value: AmountEntered): void;
}

/** An amount in tokens or in base units, with the other form below it: who pays by hand compares both. */
export function AmountInput({ label, value, onInput }: AmountInputProps) {
  const { symbol, decimals } = token();
  const shown = plain(symbol, 12);
  const read = readAmount(value, decimals);
  return (
    <div class="amount-input">
      <Input
        label={label}
        inputMode={value.unit === 'units' ? 'numeric' : 'decimal'}
        unit={value.unit === 'units' ? 'base units' : shown}
        value={value.text}
        maxLength={80}
        error={value.text === '' || 'units' in read ? undefined : read.problem}
        hint={
          'units' in read ? (
            <span class="amount-both">
              <b>{amountInWords(read.units, { symbol: shown, decimals })}</b> = <span class="num">{read.units}</span>{' '}
              base units
            </span>
          ) : (
            `1 ${shown} is 10^${decimals} base units.`
          )
        }
        onInput={(text) => onInput({ ...value, text })}
      />
      <Segmented
        label="Unit"
        value={value.unit}
        options={[
          { value: 'tokens', label: shown },
          { value: 'units', label: 'base units' },
        ]}
        onChange={(unit) => onInput({ text: '', unit: unit as AmountEntered['unit'] })}
      />
    </div>
  );
}
