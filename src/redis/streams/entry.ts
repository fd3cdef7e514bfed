import { isProviderId } from '../../domain/provider.js';

/** The maximum size of `data`. A registration of a machine with 1,024 GPUs needs about a third of it. */
export const maxDataBytes = 65_536;
/**
 * The maximum total size of the other fields. The signatures of a signed entry need 1 KiB, but those of contract wallets
 * have up to 16 (`maxSignatureHex`), beside a delegation of up to 4.
 */
const maxOtherChars = 24_576;

/** The `data` of an entry, if present. Agents write it first, so usually no search is needed. */
export function dataOf(fields: readonly string[]): string | undefined {
  if (fields[0] === 'data') return fields[1];
  for (let at = 2; at < fields.length; at += 2) if (fields[at] === 'data') return fields[at + 1];
  return undefined;
}

export function isTooLarge(fields: readonly string[], data: string): boolean {
  // A UTF-16 unit is one to three bytes, so most texts need no counting.
  if (data.length > maxDataBytes || (data.length * 3 > maxDataBytes && Buffer.byteLength(data) > maxDataBytes))
    return true;
  let others = -data.length;
  for (const text of fields) others += text.length;
  return others > maxOtherChars;
}

/** When an entry reached the stream, in Unix milliseconds, by its id. A sender can forge it by choosing the id. */
export function arrivalMs(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}

/** The place of an entry among those of the same millisecond, from 0. */
export function placeInMs(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1));
}

/** The claimed sender of a rejected message, if readable. */
export function claimedProvider(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { provider_id: id } = message as { provider_id?: unknown };
  return typeof id === 'string' && isProviderId(id) ? id : undefined;
}

/** The id just before an id: a read after it begins with the id itself. */
export function before(id: string): string {
  const [ms, seq] = id.split('-').map(BigInt) as [bigint, bigint];
  if (seq > 0n) return `${ms}-${seq - 1n}`;
  return ms > 0n ? `${ms - 1n}-${2n ** 64n - 1n}` : '0-0';
}
