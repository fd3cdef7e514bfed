import { createHash } from 'node:crypto';

/** Names that begin so are the broker's to give, and no operator's machine bears one: an admission policy sees to it. */
export const nodeNamePrefix = 'p-';
/** Of a DNS label, and of the label value that a kubelet makes of its name. */
const maxNodeName = 63;
const hashDigits = 12;

/**
 * The name of a provider's node. Another generation is another name: what was certified for one of them says nothing
 * about the next. The last part has a letter in it exactly where the id had to be cut, so no two ids share a name.
 */
export function nodeNameOf(providerId: string, generation: number): string {
  const whole = `${nodeNamePrefix}${providerId}-${generation}`;
  if (whole.length <= maxNodeName) return whole;
  const hash = createHash('sha256').update(providerId).digest('hex').slice(0, hashDigits);
  const tail = `-${generation}h${hash}`;
  return `${`${nodeNamePrefix}${providerId}`.slice(0, maxNodeName - tail.length).replace(/-+$/, '')}${tail}`;
}
