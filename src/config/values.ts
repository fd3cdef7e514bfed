import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { canonicalRange } from '../ip-range.js';

/*
 * The types of values. `describe` says in a few words what a variable accepts, for the generated page; bounds and choices
 * come from the schema itself.
 */

/** Yes or no, without a default. */
export const bool = z
  .string()
  .transform((value) => value.trim().toLowerCase())
  .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no']))
  .transform((value) => value === 'true' || value === '1' || value === 'yes')
  .describe('true or false');
/** Yes or no. */
export const flag = (byDefault: boolean) => bool.default(byDefault);
/** A whole number within bounds, both included. */
export const whole = (byDefault: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(byDefault);
/** Items separated by commas; spaces around them and empty items are ignored. */
export const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )
  .describe('list, separated by commas');
/** Networks in CIDR notation, but not the range of all addresses. */
export const ranges = list.transform((texts, context) =>
  texts.flatMap((text) => {
    const range = canonicalRange(text);
    if (range !== undefined && !range.endsWith('/0')) return [range];
    context.addIssue('must be ranges such as 203.0.113.0/24 or 2001:db8::/32, separated by commas');
    return [];
  }),
);
/** A TCP port. */
export const port = (byDefault: number) => whole(byDefault, 0, 65_535);

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** One or more certificates in PEM. */
export const certificates = z
  .string()
  .refine((pem) => {
    const blocks = pem.match(certificateBlock) ?? [];
    return blocks.length > 0 && blocks.every((block) => isParsed(() => new X509Certificate(block)));
  }, 'must be certificates in PEM, or come from such a file')
  .describe('certificates, PEM')
  .optional();

/** A private key in PEM. It has no passphrase, because nobody could type one. */
export const privateKey = z
  .string()
  .refine((pem) => isParsed(() => createPrivateKey(pem)), 'must be a private key in PEM without a passphrase')
  .describe('private key, PEM')
  .optional();

function isParsed(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
