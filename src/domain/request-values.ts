import { z } from 'zod';

/** Building blocks for the bodies of requests: numbers and sizes in the spellings that clients use. */

/** An optional field; existing clients send `""` or `null` when they have no value. */
export function optionalText<T extends z.ZodType>(schema: T) {
  return z.union([z.literal('').transform(() => undefined), z.null().transform(() => undefined), schema]).optional();
}

/** What is told about a value of the wrong kind, and about a missing one. */
const requiredOr =
  (what: string) =>
  ({ input }: { input?: unknown }) =>
    input === undefined ? `required: ${what}` : `must be ${what}`;

/** A number, or its decimal notation as a string. */
export function number(what: string) {
  return z.union([z.number(), z.string()], { error: requiredOr(what) }).transform(
    checked((value) => {
      const parsed =
        typeof value === 'number' ? value : /^\d{1,15}(?:\.\d{1,9})?$/.test(value.trim()) ? Number(value) : NaN;
      if (!Number.isFinite(parsed)) throw new Error(`must be ${what}`);
      return parsed;
    }),
  );
}

/** A size with an optional unit, converted by `read`, rounded up to whole units and checked against the bounds. */
export function quantity(
  examples: string,
  read: (amount: number, unit: string) => number | undefined,
  min: number,
  max: number,
  unit = '',
) {
  return z.union([z.number(), z.string()], { error: requiredOr(`a size such as ${examples}`) }).transform(
    checked((value) => {
      const parts = /^(\d{1,15}(?:\.\d{1,9})?) ?([A-Za-z]{0,3})$/.exec(String(value).trim());
      const size = parts === null ? undefined : read(Number(parts[1]), parts[2]!);
      if (size === undefined) throw new Error(`must be a size such as ${examples}`);
      if (size < min || size > max) throw new Error(`must be between ${min}${unit} and ${max}${unit}`);
      return size;
    }),
  );
}

/** Converts to cores; `m` is a thousandth, as in Kubernetes. */
export function cores(amount: number, unit: string): number | undefined {
  const whole = unit === '' ? amount : unit === 'm' ? amount / 1000 : NaN;
  return Number.isInteger(whole) ? whole : undefined;
}

/** Converts to MB. A gigabyte is 1024 MB in every spelling, because agents count that way. */
export function megabytes(amount: number, unit: string): number | undefined {
  const factors: Record<string, number> = { m: 1, g: 1024, t: 1024 * 1024 };
  // In Kubernetes, a lower-case `m` is a thousandth. Nobody orders thousandths of a byte, so reject it instead of
  // guessing.
  if (!/^(?:|[MGT]|[mgtMGT][iI]?[bB]|[mgtMGT][iI])$/.test(unit)) return undefined;
  return Math.ceil(amount * factors[(unit[0] ?? 'g').toLowerCase()]!);
}

export function gigabytes(amount: number, unit: string): number | undefined {
  const mb = megabytes(amount, unit);
  return mb === undefined ? undefined : Math.ceil(mb / 1024);
}

/** Turns a parser's error into a problem of the parsed field. */
export function checked<I, O>(parse: (input: I) => O) {
  return (input: I, context: z.RefinementCtx): O => {
    try {
      return parse(input);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'is not acceptable' });
      return z.NEVER;
    }
  };
}
