import type { Scope } from '../../src/client/index.js';

/** How long a token may live, in seconds, with the words for it. */
export const lifetimes = [
  { seconds: 3_600, label: '1 hour' },
  { seconds: 8 * 3_600, label: '8 hours' },
  { seconds: 86_400, label: '1 day' },
  { seconds: 7 * 86_400, label: '7 days' },
] as const;

/** The lifetimes that the site allows, and that do not outlast the session. */
export function lifetimesWithin(mostS: number) {
  const fit = lifetimes.filter(({ seconds }) => seconds <= mostS);
  return fit.length > 0 ? fit : [{ seconds: Math.max(60, Math.floor(mostS)), label: 'as long as allowed' }];
}

export interface ScopeChoice {
  scope: Exclude<Scope, 'admin'>;
  label: string;
}

/** What a token may be allowed to do; tokens never have the scope of operators. */
export const scopeChoices: readonly ScopeChoice[] = [
  { scope: 'jobs:read', label: 'See jobs and what they cost' },
  { scope: 'jobs:write', label: 'Rent, extend and end jobs' },
  { scope: 'providers:read', label: 'See machines and what they earn' },
  { scope: 'providers:write', label: 'Change machines: prices, drains' },
];
