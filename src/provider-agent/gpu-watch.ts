import type { GpuReading } from './gpus.js';
import type { Gpu } from './messages.js';

/** A GPU that is missing for one look may only have been slow to answer. */
const looksUntilSure = 2;
/** A driver that does not answer at all may be on its way to a newer version. */
const looksUntilDown = 4;

/**
 * Follows which GPUs a machine has, look by look, and is slow to believe in a change: to offer fewer GPUs is to have
 * fewer customers, and a driver has bad moments.
 *
 * @param known those that the broker was told of.
 * @returns a function to be given each reading; it answers the GPUs once they have changed for certain.
 */
export function createGpuWatch(known: readonly Gpu[]): (reading: GpuReading) => readonly Gpu[] | undefined {
  let told = uuidsOf(known);
  let seen = told;
  let looks = 0;
  return (reading) => {
    const now = uuidsOf(reading.gpus);
    looks = now === seen ? looks + 1 : 1;
    seen = now;
    if (now === told || looks < (reading.failed ? looksUntilDown : looksUntilSure)) return undefined;
    told = now;
    return reading.gpus;
  };
}

function uuidsOf(gpus: readonly Gpu[]): string {
  return gpus
    .map(({ uuid }) => uuid)
    .sort()
    .join(' ');
}
