import type { Market } from '../../src/client/index.js';
import { figureOf } from '../parts/amounts.js';

/** What the dialog offers, in tokens; anything else is typed. */
export const offered = ['0', '5', '25', '100'] as const;
export const suggested = '25';

/** A limit as it is typed: digits, and a point or a comma. Undefined if it is none, or is too long to be one. */
export function readLimit(text: string, decimals: number): string | undefined {
  const parts = /^(\d{1,12})(?:[.,](\d{1,18}))?$/.exec(text.trim());
  if (parts === null || (parts[2] ?? '').length > decimals) return undefined;
  const [, whole = '0', fraction = ''] = parts;
  const kept = fraction.replace(/0+$/, '');
  return `${BigInt(whole)}${kept === '' ? '' : `.${kept}`}`;
}

/**
 * What a limit buys, by the GPU of which there are most: `about 50 hours of an RTX 4090 at today’s price`. Undefined if
 * nothing has a price now.
 */
export function buysInWords(limit: string, types: Market['gpu_types']): string | undefined {
  const [most] = types.filter(({ price }) => (price?.min ?? 0) > 0).sort((one, other) => other.total - one.total);
  const hours = most === undefined ? 0 : Number(limit) / most.price!.min;
  if (most === undefined || !(hours > 0)) return undefined;
  const article = /^(?:[AEFHILMNORSX8]|11)/.test(most.name) ? 'an' : 'a';
  const length = hours < 1 ? `${Math.max(1, Math.round(hours * 60))} minutes` : `${tidy(hours)} hours`;
  return `about ${length.replace(/^1 hours/, '1 hour')} of ${article} ${most.name} at today’s price`;
}

/** Limits that cover what is needed, in tokens, the smallest first: rounded up, and with room for more. */
export function limitsThatCover(needed: string, decimals: number): string[] {
  const unit = 10n ** BigInt(decimals);
  const whole = (BigInt(needed) + unit - 1n) / unit;
  const steps = [1n, 5n, 10n, 25n, 50n, 100n, 250n, 500n, 1_000n, 2_500n, 5_000n, 10_000n];
  const larger = steps.filter((step) => step > whole);
  return [whole, ...larger.slice(0, 2)].map(String);
}

/** `4.40`: what is needed, never less than it is. */
export function neededFigure(needed: string, decimals: number): string {
  const cent = decimals >= 2 ? 10n ** BigInt(decimals - 2) : 1n;
  return figureOf(((BigInt(needed) + cent - 1n) / cent) * cent, decimals);
}

function tidy(hours: number): string {
  return hours >= 10 ? String(Math.floor(hours)) : String(Math.round(hours * 10) / 10);
}
