import { z } from 'zod';

/** A URL of some protocols. */
export const url = (...protocols: string[]) =>
  z.url({ protocol: new RegExp(`^(?:${protocols.join('|')})$`), error: `must be a URL of ${protocols.join(' or ')}` });
/** Token units per hour. */
export const price = z.coerce.number().min(0).max(1_000_000);
/** Prices by name: NAME=PRICE, separated by commas. A name may contain the equals sign. */
export const prices = z.string().transform((text, context): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const at = part.lastIndexOf('=');
    const [name, value] = [part.slice(0, at).trim(), price.safeParse(part.slice(at + 1).trim() || NaN)];
    if (at < 1 || name === '' || !value.success) context.addIssue('must be NAME=PRICE, separated by commas');
    else found[name] = value.data;
  }
  return found;
});
