import { durationText } from '../../src/words/durations.js';
import type { Stuck } from '../../src/client/types.generated.js';
import { errorTable, isErrorCode } from '../../src/wire/error-codes.js';
import { finalJobStatuses } from '../../src/wire/statuses.js';

export type StuckItem = Stuck['items'][number];

/** The longest waiting first: whoever it concerns has had the least patience left. */
export function byAge(items: readonly StuckItem[]): StuckItem[] {
  return [...items].sort((one, other) => other.age_s - one.age_s);
}

const doing: Readonly<Record<string, string>> = {
  pending: 'waits',
  provisioning: 'has been starting',
  ending: 'has been ending',
  running: 'has been running',
  offline: 'has been offline',
  approved: 'may join, and has not',
  joined: 'has joined, and does not serve',
};

/** `has been starting for 14 min`. */
export function stuckSince({ state, age_s: ageS }: Pick<StuckItem, 'state' | 'age_s'>): string {
  const verb = Object.hasOwn(doing, state) ? doing[state]! : `is ${state}`;
  return `${verb} for ${durationText(ageS)}`;
}

/** `tried 9 times`; nothing for what is not tried again. */
export function attemptsText(attempts: number): string {
  if (attempts <= 0) return '';
  return attempts === 1 ? 'tried once' : `tried ${attempts} times`;
}

/**
 * What a workflow says that it waits for, in words where it names a code: `stuck, image_pull_failed: IMAGE: …` becomes
 * `The container image cannot be pulled: IMAGE: …`.
 */
export function waitsForText(details: string): string {
  const [, code = '', rest = ''] = /^stuck, ([a-z_]{1,40}): (.*)$/s.exec(details) ?? [];
  return isErrorCode(code) ? `${errorTable[code].title}: ${rest}` : details;
}

/**
 * The address of a workflow as the API builds it.
 *
 * @returns undefined for anything that is no page of the web: what stands in a link decides what a click does.
 */
export function webAddress(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username === '' && password === '' ? url : undefined;
}

/** A reason may be as long as this, and its customer reads all of it. */
export const longestReason = 500;

/** What is wrong with a reason; undefined if nothing is. */
export function reasonProblem(reason: string): string | undefined {
  const text = reason.trim();
  if (text === '') return 'Say why: it is what is read.';
  if ([...text].length > longestReason) return `Use ${longestReason} characters at most.`;
  return /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text) ? 'Write it in one line, without invisible characters.' : undefined;
}

/** Whether a job can no longer be ended, as it has. */
export function isOver(status: string): boolean {
  return (finalJobStatuses as readonly string[]).includes(status);
}
