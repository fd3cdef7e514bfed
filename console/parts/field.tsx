import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: ComponentChildren;
  /** Under it, always. */
  hint?: ComponentChildren;
  /** What is wrong with what was entered, and what would be right. */
  error?: ComponentChildren;
  class?: string;
}

interface Described {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

/** A label, its control, a hint and an error, tied together: `<Field label="Hours">{(a) => <input {...a} />}</Field>`. */
export function Field({
  label,
  hint,
  error,
  class: more = '',
  children,
}: FieldProps & { children(attributes: Described): ComponentChildren }) {
  const id = useId();
  const hasHint = hint !== undefined;
  const hasError = error !== undefined && error !== '';
  const ids = [...(hasHint ? [`${id}-hint`] : []), ...(hasError ? [`${id}-error`] : [])].join(' ');
  return (
    <div class={`field ${more}`}>
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': ids === '' ? undefined : ids, 'aria-invalid': hasError || undefined })}
      {hasHint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {hasError && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

interface InputProps extends FieldProps {
  value: string;
  onInput(value: string): void;
  onBlur?(): void;
  type?: 'text' | 'number' | 'search' | 'url' | 'date' | 'datetime-local';
  inputMode?: 'text' | 'decimal' | 'numeric' | 'search';
  /** Behind what is typed: `WLC`, `GB`. */
  unit?: ComponentChildren;
  placeholder?: string;
  name?: string;
  min?: string | number;
  max?: string | number;
  step?: string | number;
  maxLength?: number;
  required?: boolean;
  disabled?: boolean;
  /** The id of a `<datalist>`. */
  list?: string;
}

export function Input({ label, hint, error, class: more, unit, onInput, ...rest }: InputProps) {
  return (
    <Field {...{ label, hint, error }} {...(more !== undefined && { class: more })}>
      {(attributes) => (
        <span class="control">
          <input
            autoComplete="off"
            spellcheck={false}
            {...rest}
            {...attributes}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
          {unit !== undefined && <span class="unit">{unit}</span>}
        </span>
      )}
    </Field>
  );
}

interface SelectProps extends FieldProps {
  value: string;
  options: readonly { value: string; label: string }[];
  onChange(value: string): void;
  disabled?: boolean;
}

export function Select({ label, hint, error, class: more, value, options, onChange, disabled }: SelectProps) {
  return (
    <Field {...{ label, hint, error }} {...(more !== undefined && { class: more })}>
      {(attributes) => (
        <span class="control select">
          <select
            {...attributes}
            value={value}
            disabled={disabled}
            onChange={(event) => onChange(event.currentTarget.value)}
          >
            {options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
          </select>
        </span>
      )}
    </Field>
  );
}

interface SegmentedProps {
  /** Read out; shown to nobody. */
  label: string;
  value: string;
  options: readonly { value: string; label: ComponentChildren }[];
  onChange(value: string): void;
}

/** One of a few, all of them in sight: a range, a filter. The arrow keys move it. */
export function Segmented({ label, value, options, onChange }: SegmentedProps) {
  const name = useId();
  return (
    <fieldset class="segmented">
      <legend class="hidden-text">{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface CheckProps {
  label: ComponentChildren;
  checked: boolean;
  onChange(checked: boolean): void;
  disabled?: boolean;
}

export function Check({ label, checked, onChange, disabled }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
