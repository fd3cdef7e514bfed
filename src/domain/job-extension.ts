import { z } from 'zod';
import { number } from './request-values.js';

/** The body of `POST /api/v1/jobs/:id/extend`. The workflow checks the job's total duration. */
export const extensionSchema: z.ZodType<{ seconds: number }> = z
  .strictObject({
    additional_hours: number('a number of hours').pipe(
      z
        .number()
        .positive()
        .max(366 * 24),
    ),
  })
  .transform(({ additional_hours: hours }) => ({ seconds: Math.max(1, Math.ceil(hours * 3600 - 1e-6)) }))
  .meta({ inputExamples: [{ additional_hours: 2 }] });
