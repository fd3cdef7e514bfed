import type { Scope } from '../../src/client/index.js';
import { readLimit } from '../connect/limits.js';

/** What is entered for a token. */
export interface TokenForm {
  name: string;
  scopes: readonly TokenScope[];
  /** Seconds, as the value of the choice. */
  lifetime: string;
  /** In tokens. */
  limit: string;
}

/** What a token may be allowed to do: never what operators do, nor to raise a cap, which needs a signature. */
export type TokenScope = Exclude<Scope, 'admin' | 'billing:write' | 'settlements:read'>;

export const scopeChoices: readonly { scope: TokenScope; label: string }[] = [
  { scope: 'jobs:read', label: 'See jobs and what they cost' },
  { scope: 'jobs:write', label: 'Rent, extend and end jobs' },
  { scope: 'providers:read', label: 'See machines and what they earn' },
  { scope: 'providers:write', label: 'Change machines: prices, drains' },
];

export const emptyForm: TokenForm = { name: '', scopes: ['jobs:read'], lifetime: '28800', limit: '0' };

const lifetimes = [
  { seconds: 3_600, label: '1 hour' },
  { seconds: 8 * 3_600, label: '8 hours' },
  { seconds: 86_400, label: '1 day' },
  { seconds: 7 * 86_400, label: '7 days' },
] as const;

/** How long a token may live here; there is always a choice. */
export function lifetimesWithin(mostS: number): { value: string; label: string }[] {
  const fit = lifetimes.filter(({ seconds }) => seconds <= mostS);
  if (fit.length > 0) return fit.map(({ seconds, label }) => ({ value: String(seconds), label }));
  return [{ value: String(Math.max(60, Math.floor(mostS))), label: 'as long as is allowed' }];
}

/** What of the form cannot be asked for, as sentences beside the fields. */
export function tokenProblems(form: TokenForm, decimals: number): { scopes?: string; limit?: string } {
  const limit = readLimit(form.limit, decimals);
  return {
    ...(form.scopes.length === 0 ? { scopes: 'A token that may do nothing is of no use: choose at least one.' } : {}),
    ...(limit === undefined ? { limit: 'A number, such as 25 or 0.5.' } : {}),
  };
}

/** Whether what the token may do can cost anything. */
export function maySpend({ scopes }: TokenForm): boolean {
  return scopes.includes('jobs:write');
}
