import type { Gpu } from './messages.js';

/** The driver's report on this machine's GPUs. */
export interface GpuReading {
  /** The usable GPUs. */
  gpus: Gpu[];
  /** Percent, one per usable GPU. */
  usage: number[];
  /** Problems, as sentences for people. */
  problems: string[];
  /** False when the machine has no driver at all. */
  hasDriver: boolean;
  /** True when the driver did not answer, so nothing is known about the GPUs. */
  failed: boolean;
}
