import { z } from 'zod';
import { cudaNumber } from './gpu-needs.js';

/** Figures of GPUs in the bodies of requests. */

/** GB of memory. The limit is more than any GPU has. */
export const vramGb = z.number().positive().max(16_384);

/** A CUDA version, converted by `cudaNumber`. */
export const cudaVersion = z
  .union([z.number(), z.string().max(16)])
  .transform((version) => cudaNumber(String(version)) ?? 0)
  .refine((version) => version > 0, 'must be a version such as 12.4');
