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
/** The API server writes them shorter; a longer one is no quantity of anything. */
const maxLength = 512;

/**
 * The number a Kubernetes quantity stands for: `4`, `3900m`, `16Gi`, `1e3`. Bytes for memory and storage, cores for
 * CPU. Exact far beyond any node's size. Who writes it may be a stranger: the number can be negative or infinite.
 *
 * @returns undefined for what is no quantity.
 */
export function parseQuantity(quantity: unknown): number | undefined {
  if (typeof quantity !== 'string' || quantity.length > maxLength) return undefined;
  const match = form.exec(quantity.trim());
  if (match?.[1] === undefined) return undefined;
  return Number(match[1]) * (multipliers[match[2] ?? ''] ?? 1);
}
