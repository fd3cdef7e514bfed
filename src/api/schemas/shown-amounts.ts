import { z } from 'zod';
import { tokensOf } from '../../domain/tokens.js';

export const amount = z.string().regex(/^\d+$/);
export const tokens = z.string().describe('The same in tokens, for people');

/** `{name: 15n}` as `{name: "15", name_tokens: "0.000000000000000015"}`: a JSON number would lose digits. */
export function shown<Name extends string>(amounts: Record<Name, bigint>) {
  return Object.fromEntries(
    Object.entries<bigint>(amounts).flatMap(([name, value]) => [
      [name, value.toString()],
      [`${name}_tokens`, signedTokens(value)],
    ]),
  ) as Record<Name | `${Name}_tokens`, string>;
}

export const signedTokens = (value: bigint) => (value < 0n ? `-${tokensOf(-value)}` : tokensOf(value));
