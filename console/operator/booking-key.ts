import { useRef } from 'preact/hooks';

/**
 * The key of one booking, for as long as its sheet is open: if an answer was lost, pressing again sends the same key,
 * and the broker books nothing twice. If something else was entered meanwhile, it says so instead.
 */
export function useBookingKey(): string {
  const key = useRef<string>();
  key.current ??= [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  return key.current;
}
