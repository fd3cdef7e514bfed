import { useState } from 'preact/hooks';
import { token } from '../live/index.js';
import { noAmount, type AmountEntered } from '../parts/amount-field.js';
import { AmountInput } from '../parts/amount-input.js';
import { Check } from '../parts/index.js';
import { capForAll, capForMore, type CapFacts } from '../chain/cap-choice.js';
import { wholeAmount } from './amount.js';

/** Whether jobs may use all that is there, or how much of it. */
export interface Allowed {
  isAll: boolean;
  setAll(isAll: boolean): void;
  most: AmountEntered;
  setMost(most: AmountEntered): void;
  read: ReturnType<typeof wholeAmount>;
  /**
   * The cap that this comes to, once so much is added; undefined while something is missing. Base units.
   */
  capWith(facts: CapFacts, added: bigint): bigint | undefined;
}

export function useAllowed(isAllFirst: () => boolean, decimals: number): Allowed {
  const [isAll, setAll] = useState(isAllFirst);
  const [most, setMost] = useState(noAmount);
  const read = wholeAmount(most, token().decimals, decimals);
  const more = read !== undefined && 'units' in read ? read.units : undefined;
  return {
    ...{ isAll, setAll, most, setMost, read },
    capWith(facts, added) {
      if (isAll) return capForAll(facts, added);
      return more === undefined ? undefined : capForMore(facts, more);
    },
  };
}

interface AllowedFieldsProps {
  of: Allowed;
  all: string;
  most: string;
}

export function AllowedFields({ of, all, most }: AllowedFieldsProps) {
  return (
    <>
      <Check label={all} checked={of.isAll} onChange={(isAll) => of.setAll(isAll)} />
      {!of.isAll && (
        <>
          <AmountInput label={most} value={of.most} onInput={(entered) => of.setMost(entered)} />
          <Problem of={of.read} />
        </>
      )}
    </>
  );
}

export function Problem({ of }: { of: ReturnType<typeof wholeAmount> }) {
  // What is no amount at all is said by the field itself.
  return of !== undefined && 'problem' in of && of.problem.startsWith('The token') ? (
    <p class="field-error">{of.problem}</p>
  ) : null;
}
