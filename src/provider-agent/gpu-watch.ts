import type { GpuReading } from './gpu-reading.js';
import type { Gpu } from './messages.js';

/** A GPU missing from a single reading may only have been slow to answer. */
const readingsUntilSure = 2;
/** A driver that does not answer at all may be in the middle of an upgrade. */
const readingsUntilDown = 4;

/**
 * Follows which GPUs a machine has, reading by reading, and is slow to accept a change: offering fewer GPUs loses
 * customers, and drivers fail for moments.
 *
 * @param known the GPUs that the broker knows of.
 * @returns a function that takes each reading and returns the GPUs once a change is certain.
 */
export function createGpuWatch(known: readonly Gpu[]): (reading: GpuReading) => readonly Gpu[] | undefined {
  let told = uuidsOf(known);
  let seen = told;
  let readings = 0;
  return (reading) => {
    const now = uuidsOf(reading.gpus);
    readings = now === seen ? readings + 1 : 1;
    seen = now;
    if (now === told || readings < (reading.failed ? readingsUntilDown : readingsUntilSure)) return undefined;
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
