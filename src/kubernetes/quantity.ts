const multipliers: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const form = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;
/** The API server writes shorter ones; a longer text is not a quantity. */
const maxLength = 512;

/**
 * Parses a Kubernetes quantity such as `4`, `3900m`, `16Gi` or `1e3`: bytes for memory and storage, cores for CPU.
 * Exact far beyond any node's size. It may come from a stranger, so the number can be negative or infinite.
 *
 * @returns undefined if the text is not a quantity.
 */
export function parseQuantity(quantity: unknown): number | undefined {
  if (typeof quantity !== 'string' || quantity.length > maxLength) return undefined;
  const match = form.exec(quantity.trim());
  if (match?.[1] === undefined) return undefined;
  return Number(match[1]) * (multipliers[match[2] ?? ''] ?? 1);
}
