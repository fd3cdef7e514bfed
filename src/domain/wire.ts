import { z } from 'zod';
import { instant, printable, sentence, type Printable } from './outside.js';
import { readPrice } from './pricing.js';
import { isStorableText } from './storable-text.js';

/**
 * Building blocks for the messages of existing agents. Their language writes an unset list or map as `null`, an unset
 * time as year 1, and an unset number or text as 0 or ''. All of these count as absent here. Unknown fields come from
 * newer agents and are ignored.
 */
export function orElse<S extends z.ZodType>(schema: S, fallback: z.output<S>) {
  return schema.nullish().transform((value): z.output<S> => value ?? fallback);
}

/**
 * Text that people will see in lists, reasons and log lines, and finally in a terminal. Unprintable characters are
 * removed and not rejected, because agents send whatever a machine's firmware reports.
 */
export function wireText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .transform((value): string => printable(value, maxLength) ?? '');
}

/**
 * Text that is passed to a program unchanged and shown to nobody. It rejects only what Postgres cannot store as jsonb,
 * NUL and unpaired surrogates: one such message would fail the statement that also writes the valid ones.
 */
export function wireValue(maxLength: number) {
  return z.string().max(maxLength).refine(isStorableText, { message: 'holds characters that cannot be stored' });
}

/** Optional text; '' when missing. */
export const text = (maxLength: number) => orElse(wireText(maxLength), '');

/** Optional whole number; 0 when missing. */
export const whole = (max: number) => orElse(z.number().int().min(0).max(max), 0);

const noPrice = 'is no price from 0 to 1000000 with at most 12 decimals and 15 digits';
/** A price as a number or as decimal text. */
export const price = z.union([z.number(), z.string()], { error: noPrice }).transform((value, context) => {
  const found = value === '' ? 0 : readPrice(value);
  if (found === undefined) context.addIssue({ code: 'custom', message: noPrice });
  return found ?? z.NEVER;
});

/** A time in RFC 3339 with any precision and offset, converted to UTC; undefined when missing or a zero time. */
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
 * A map from names, which people will see, to `value`; `null` becomes an empty map. Its size is bounded, and keys that
 * are special in JavaScript are excluded.
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

/** A list; `null` becomes an empty list. */
export function wireList<S extends z.ZodType>(item: S, maxItems: number) {
  return z
    .array(item)
    .max(maxItems)
    .nullish()
    .transform((list): z.output<S>[] => list ?? []);
}

/**
 * The first few problems as one sentence for a provider's owner. It names fields and reasons, never a value. A field's
 * name may have been chosen by the sender.
 */
export function describeProblems(error: z.ZodError): Printable {
  const problems = error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'message'}: ${message}`);
  const more = error.issues.length - problems.length;
  return sentence((printable(problems.join('; '), 500) ?? '') + (more > 0 ? `; and ${more} more` : ''));
}
