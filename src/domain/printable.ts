import { z } from 'zod';
import { unprintableAstral, unprintableRanges } from './outside.js';

/** The same pattern stands in the API's description, so it is one that every dialect of regular expressions reads. */
const printable = new RegExp(`^[^${unprintableRanges}]*$`);
/** What that pattern cannot say; JSON can hold half a surrogate pair, and no encoding of text can. */
const beyondIt = new RegExp(`[${unprintableAstral}\\p{Surrogate}]`, 'u');

/** Text that may be shown and stored as it is; any other is refused. */
export const printableText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(printable, 'holds characters that cannot be printed')
    .refine((text) => !beyondIt.test(text), 'holds characters that cannot be printed');
