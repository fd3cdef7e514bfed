import { z } from 'zod';
import { unprintableAstral, unprintableRanges } from './outside.js';

/** The API's description contains this pattern, so it must be valid in every dialect of regular expressions. */
const printable = new RegExp(`^[^${unprintableRanges}]*$`);
/** Characters that the pattern cannot express. JSON can contain unpaired surrogates, which no text encoding can. */
const beyondIt = new RegExp(`[${unprintableAstral}\\p{Surrogate}]`, 'u');

/** Text that is safe to show and store unchanged; anything else is rejected. */
export const printableText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(printable, 'holds characters that cannot be printed')
    .refine((text) => !beyondIt.test(text), 'holds characters that cannot be printed');
