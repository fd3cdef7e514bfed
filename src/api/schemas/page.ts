import { z } from 'zod';

const maxPage = 100;

/** A number in a query, where everything is text. */
export const queryNumber = (schema: z.ZodNumber) =>
  z
    .string()
    .regex(/^\d{1,15}(?:\.\d{1,9})?$/, 'must be a number')
    .transform(Number)
    .pipe(schema);

/** Text in a query that goes into a question to the database, which cannot hold every character. */
export const queryText = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{C}]*$/u, 'holds characters that cannot be printed');

/** How a list is turned over: `next_cursor` of one page is the `cursor` of the next. */
export const pageQuery = z.object({
  limit: queryNumber(z.number().int().min(1).max(maxPage)).default(50).describe('1 to 100'),
  cursor: queryText
    .max(512)
    .regex(/^[A-Za-z0-9_-]+$/, 'is not a cursor of this list')
    .optional()
    .describe('`next_cursor` of the page before'),
});
