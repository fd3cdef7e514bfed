import type { SignRequest } from '../../src/wire/sign-page.js';
import { durationInWords } from '../parts/words.js';

const scopeWords: Record<string, string> = {
  'jobs:read': 'See your jobs and what they cost',
  'jobs:write': 'Rent GPUs; extend and end your jobs',
  'billing:write': 'Raise or remove the monthly cap of what your wallet may spend',
  'providers:read': 'See the machines that you rent out, and what they earn',
  'providers:write': 'Change the machines that you rent out: prices, new jobs, taking them out of service',
  'settlements:read': 'See the receipts of all customers, as the guardian of a vault',
  admin: 'Operate this broker: end anybody’s jobs, approve and remove machines',
};

/** What a scope allows, as a sentence; a scope that this page does not know is named as it is. */
export function scopeInWords(scope: string): string {
  return Object.hasOwn(scopeWords, scope) ? scopeWords[scope]! : `“${scope}”, which this page does not know`;
}

const lifeOf = (request: SignRequest) => (request.kind === 'login' ? request.ttlSeconds : request.validForS);

/** `8 hours, until 27 November 2026 at 06:30`, in the time zone of the browser. */
export function validityInWords(request: SignRequest, nowMs: number): string {
  const until = new Date(nowMs + lifeOf(request) * 1000);
  const duration = durationInWords(lifeOf(request));
  if (Number.isNaN(until.getTime())) return duration;
  return `${duration}, until ${until.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' })}`;
}
