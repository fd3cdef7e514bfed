import { plain } from './words.js';

interface UntrustedProps {
  text: unknown;
  /** Default: 80 characters. The rest is in the title, in the same form. */
  max?: number;
  class?: string;
}

/**
 * A text that a stranger wrote: names of providers and jobs, messages of machines. Without control and direction
 * characters, from left to right, kept from reordering what stands around it, and short.
 */
export function Untrusted({ text, max = 80, class: more }: UntrustedProps) {
  const shown = plain(text, max);
  const whole = plain(text, 500);
  return (
    <bdi dir="ltr" class={more} title={whole === shown ? undefined : whole}>
      {shown}
    </bdi>
  );
}
