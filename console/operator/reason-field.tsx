import type { ComponentChildren } from 'preact';
import { Field } from '../parts/index.js';
import { longestReason, reasonProblem } from './stuck-words.js';

interface ReasonFieldProps {
  label: string;
  hint: ComponentChildren;
  value: string;
  /** It is the first thing to fill in. */
  autoFocus?: boolean;
  onInput(reason: string): void;
}

/** A reason in one line, however it was pasted. What is wrong with it is said once something was entered. */
export function ReasonField({ label, hint, value, autoFocus = false, onInput }: ReasonFieldProps) {
  return (
    <Field label={label} hint={hint} error={value === '' ? undefined : reasonProblem(value)}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={3}
          required
          autoFocus={autoFocus}
          maxLength={longestReason}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value.replace(/\n/g, ' '))}
        />
      )}
    </Field>
  );
}
