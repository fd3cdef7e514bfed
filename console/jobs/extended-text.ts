import type { Job } from '../../src/client/shapes.js';
import { shortDuration, timeInWords } from '../parts/times.js';

type Ends = Pick<Job, 'expires_at'>;

/**
 * `1 h more: it ends at 21:51.` Where the end is the one that the page showed before, an earlier attempt had moved it.
 */
export function extendedText(extended: Ends, { from, seconds, nowMs }: { from: Ends; seconds: number; nowMs: number }) {
  const { expires_at: at } = extended;
  const end = at === undefined ? '' : `: it ends at ${timeInWords(new Date(at), nowMs)}`;
  if (at !== undefined && at === from.expires_at) return `It had been extended already${end}. Nothing was added.`;
  return `${shortDuration(seconds)} more${end}.`;
}
