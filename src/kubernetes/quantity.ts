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

/**
 * The number a Kubernetes quantity stands for: `4`, `3900m`, `16Gi`, `1e3`. Bytes for memory and storage, cores for
 * CPU. Exact far beyond any node's size.
 *
 * @throws RangeError for a text that is no quantity.
 */
export function parseQuantity(text: string): number {
  const match = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(text.trim());
  if (match?.[1] === undefined) throw new RangeError(`not a quantity: ${text}`);
  return Number(match[1]) * (multipliers[match[2] ?? ''] ?? 1);
}
