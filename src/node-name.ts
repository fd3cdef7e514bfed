import { createHash } from 'node:crypto';

/** Only the broker gives names with this prefix: an admission policy keeps them from an operator's own machines. */
export const nodeNamePrefix = 'p-';
/** The limit of a DNS label, and of the label value that a kubelet makes from its name. */
const maxNodeName = 63;
const hashDigits = 12;

/**
 * The name of a provider's node. Each generation has its own name, so that a certificate for one generation is
 * worthless for the next. The last part contains a letter exactly if the id had to be cut, so no two ids share a name.
 */
export function nodeNameOf(providerId: string, generation: number): string {
  const whole = `${nodeNamePrefix}${providerId}-${generation}`;
  if (whole.length <= maxNodeName) return whole;
  const hash = createHash('sha256').update(providerId).digest('hex').slice(0, hashDigits);
  const tail = `-${generation}h${hash}`;
  return `${`${nodeNamePrefix}${providerId}`.slice(0, maxNodeName - tail.length).replace(/-+$/, '')}${tail}`;
}
