import { z } from 'zod';
import { printableText } from '../../domain/printable.js';
import { shownAs } from './shown-as.js';

const maxPage = 100;

/** A number in a query, where everything is text. */
export const queryNumber = (schema: z.ZodNumber) => {
  const text = z.string().regex(/^\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?$/i, 'must be a number');
  const { $schema: _, ...asNumber } = z.toJSONSchema(schema);
  return shownAs(text.transform(Number).pipe(schema), asNumber);
};

/** Text in a query that is sent to the database, which cannot store every character. */
export const queryText = printableText(128).min(1);

/** Paging: `next_cursor` of one page is the `cursor` of the next. */
export const pageQuery = z.object({
  limit: queryNumber(z.number().int().min(1).max(maxPage)).default(50).describe('1 to 100'),
  cursor: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9_-]+$/, 'is not a cursor of this list')
    .optional()
    .describe('`next_cursor` of the previous page'),
});
