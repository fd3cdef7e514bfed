import type { ComponentChildren, JSX } from 'preact';
import { Link, type LinkProps } from '../app/link.js';

export type ButtonKind = 'main' | 'quiet' | 'danger' | 'bare';

interface Look {
  /** `main`: the one thing to do here. `quiet`: anything else. `danger`: it takes something away. `bare`: no border. */
  kind?: ButtonKind;
  size?: 'm' | 's';
  children?: ComponentChildren;
}

export interface ButtonProps extends Look, Omit<JSX.IntrinsicElements['button'], 'size' | 'kind'> {
  /** It is being done: the button keeps its width and its focus, and does nothing more. */
  busy?: boolean;
}

const classOf = ({ kind = 'quiet', size = 'm' }: Look, more: unknown) =>
  `button ${kind} ${size}${typeof more === 'string' ? ` ${more}` : ''}`;

export function Button({ kind, size, busy = false, class: more, onClick, disabled, children, ...rest }: ButtonProps) {
  const { type = 'button' } = rest;
  return (
    <button
      {...rest}
      type={busy ? 'button' : type}
      class={classOf({ ...(kind && { kind }), ...(size && { size }) }, more)}
      disabled={disabled === true && !busy}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? undefined : onClick}
    >
      {busy && <span class="spinner" aria-hidden="true" />}
      <span class="button-words">{children}</span>
    </button>
  );
}

/** A link that looks like a button: for going somewhere, where a button does something. */
export function LinkButton({ kind, size, class: more, children, ...rest }: Look & LinkProps) {
  return (
    <Link {...rest} class={classOf({ ...(kind && { kind }), ...(size && { size }) }, more)}>
      <span class="button-words">{children}</span>
    </Link>
  );
}
