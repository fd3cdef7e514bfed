import { z } from 'zod';

/**
 * One line in any script: nothing that controls, breaks, hides or turns round what stands beside it. Written as ranges
 * and not as classes of Unicode, which grow with its versions: the same pattern stands in the API's description.
 */
const printable =
  /^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]*$/;
/** JSON can hold one; no encoding of text can. */
const halfOfASurrogatePair = /\p{Cs}/u;

/** Text that may be shown and stored as it is. */
export const printableText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(printable, 'holds characters that cannot be printed')
    .refine((text) => !halfOfASurrogatePair.test(text), 'holds half a surrogate pair');
