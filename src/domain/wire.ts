import { z } from 'zod';
import { instant, printable, sentence, type Printable } from './outside.js';
import { readPrice } from './pricing.js';

/**
 * Building blocks for what agents in the field send. Their language writes a list or map that was never made as
 * `null`, a time that was never set as year 1, and a number or text that was never set as 0 or ''. All of these read
 * as "not given" here; fields we do not know belong to newer agents and are left out.
 */
export function orElse<S extends z.ZodType>(schema: S, fallback: z.output<S>) {
  return schema.nullish().transform((value): z.output<S> => value ?? fallback);
}

/**
 * Text that people will see: in lists, reasons, log lines, and in a terminal in the end. What cannot be printed is left
 * out and not refused, since agents in the field send what a machine's firmware says of itself.
 */
export function wireText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .transform((value): string => printable(value, maxLength) ?? '');
}

/**
 * Text that a program gets as it is and nobody is shown. Only what Postgres cannot store as jsonb is refused, NUL and
 * halves of surrogate pairs: it would make one bad message fail the statement that also carries the good ones.
 */
export function wireValue(maxLength: number) {
  return z.string().max(maxLength).refine(isStorableText, { message: 'holds characters that cannot be stored' });
}

/** Text that may be missing; '' then. */
export const text = (maxLength: number) => orElse(wireText(maxLength), '');

/** Whole number that may be missing; 0 then. */
export const whole = (max: number) => orElse(z.number().int().min(0).max(max), 0);

const noPrice = 'is no price from 0 to 1000000 with at most 12 decimals and 15 digits';
/** A price as a number or as decimal text; nothing else about money is read. */
export const price = z.union([z.number(), z.string()], { error: noPrice }).transform((value, context) => {
  const found = value === '' ? 0 : readPrice(value);
  if (found === undefined) context.addIssue({ code: 'custom', message: noPrice });
  return found ?? z.NEVER;
});

/** RFC 3339 with any precision and offset, as UTC; undefined when missing, or a moment that nobody means. */
export const time = z
  .string()
  .max(64)
  .nullish()
  .transform((value) => (value === '' || value?.startsWith('0001-01-01T') ? undefined : (value ?? undefined)))
  .refine((value) => value === undefined || (/^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))), {
    message: 'is not a time',
  })
  .transform((value): string | undefined => instant(value));

/**
 * A map from names, which people will see, to `value`; `null` is empty. Bounded, and never with a key that means
 * something to JavaScript.
 */
export function wireMap<S extends z.ZodType>(value: S, maxEntries: number, maxKeyLength = 128) {
  return z
    .record(z.string().max(maxKeyLength), value)
    .refine((map) => Object.keys(map).length <= maxEntries, { message: `has more than ${maxEntries} entries` })
    .nullish()
    .transform((map): Record<string, z.output<S>> => {
      const named = Object.entries(map ?? {}).map(([name, of]) => [printable(name, maxKeyLength) ?? '', of] as const);
      return Object.fromEntries(named.filter(([name]) => name !== '__proto__'));
    });
}

/** A list; `null` is empty. */
export function wireList<S extends z.ZodType>(item: S, maxItems: number) {
  return z
    .array(item)
    .max(maxItems)
    .nullish()
    .transform((list): z.output<S>[] => list ?? []);
}

/**
 * The first few things that are wrong, as one sentence for a provider's owner; never a value, only where and why. Where
 * may be a name that the sender chose.
 */
export function describeProblems(error: z.ZodError): Printable {
  const problems = error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'message'}: ${message}`);
  const more = error.issues.length - problems.length;
  return sentence((printable(problems.join('; '), 500) ?? '') + (more > 0 ? `; and ${more} more` : ''));
}

/** In Unicode mode a surrogate matches only where it stands alone. */
const unstorable = /[\0\p{Surrogate}]/u;

export function isStorableText(value: string): boolean {
  return !unstorable.test(value);
}
