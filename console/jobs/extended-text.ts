import type { Job } from '../../src/client/shapes.js';
import { shortDuration, timeInWords } from '../parts/times.js';

/** `1 h more: it ends at 21:51.` */
export function extendedText({ expires_at: at }: Pick<Job, 'expires_at'>, seconds: number, nowMs: number): string {
  const end = at === undefined ? '' : `: it ends at ${timeInWords(new Date(at), nowMs)}`;
  return `${shortDuration(seconds)} more${end}.`;
}
