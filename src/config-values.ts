import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { canonicalRange } from './ip-range.js';

/** What kinds of values a variable may have. */
export const bool = z
  .string()
  .transform((value) => value.trim().toLowerCase())
  .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no']))
  .transform((value) => value === 'true' || value === '1' || value === 'yes');
export const flag = (byDefault: boolean) => bool.default(byDefault);
export const whole = (byDefault: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(byDefault);
export const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
/** Networks; never all there are. */
export const ranges = list.transform((texts, context) =>
  texts.flatMap((text) => {
    const range = canonicalRange(text);
    if (range !== undefined && !range.endsWith('/0')) return [range];
    context.addIssue('must be ranges such as 203.0.113.0/24 or 2001:db8::/32, separated by commas');
    return [];
  }),
);
export const port = (byDefault: number) => whole(byDefault, 0, 65_535);

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** One certificate or more, as PEM. */
export const certificates = z
  .string()
  .refine((pem) => {
    const blocks = pem.match(certificateBlock) ?? [];
    return blocks.length > 0 && blocks.every((block) => isParsed(() => new X509Certificate(block)));
  }, 'must be certificates in PEM, or come from such a file')
  .optional();

/** A private key as PEM, which nobody has to be asked for a passphrase of. */
export const privateKey = z
  .string()
  .refine((pem) => isParsed(() => createPrivateKey(pem)), 'must be a private key in PEM without a passphrase')
  .optional();

function isParsed(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
