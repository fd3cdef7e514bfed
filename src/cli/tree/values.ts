import { InvalidArgumentError } from 'commander';
import type { OrderedPort } from '../../client/shapes.js';
import { readDuration, readMoment } from '../../words/durations.js';

/** Values of flags, checked where they are read, so that a wrong one is named with its flag. */

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw new InvalidArgumentError('Give a whole number, 1 or more.');
  return Number(text);
}

export function amount(text: string): number {
  if (!/^\d{1,12}(?:\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError('Give a number, such as 4 or 0.5.');
  return Number(text);
}

export function positive(text: string): number {
  const value = amount(text);
  if (value === 0) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}

/** Decimal text, for amounts of money: a float would lose digits. */
export function tokenAmount(text: string): string {
  if (!/^\d{1,40}(?:\.\d{1,18})?$/.test(text))
    throw new InvalidArgumentError('Give an amount of tokens, such as 5 or 0.5.');
  return text;
}

/** @returns seconds. */
export function duration(text: string): number {
  const seconds = readDuration(text);
  if (seconds !== undefined) return seconds;
  const unit = /^\d+$/.test(text) ? ` Say which unit: ${text}s, ${text}m or ${text}h.` : '';
  throw new InvalidArgumentError(`Give a time such as 90s, 15m, 8h or 2d.${unit}`);
}

export function moment(text: string): Date {
  const found = readMoment(text, Date.now());
  if (found === undefined)
    throw new InvalidArgumentError('Give a time such as 21:30, 2026-11-27 or 2026-11-27T08:00Z.');
  return found;
}

export function gigabytes(text: string): number {
  const parts = /^(\d{1,7}(?:\.\d{1,3})?)(g|gb|gi|gib|t|tb|ti|tib)?$/i.exec(text);
  const value = parts === null ? 0 : Number(parts[1]) * (/^t/i.test(parts[2] ?? '') ? 1024 : 1);
  if (value <= 0) throw new InvalidArgumentError('Give gigabytes, such as 16.');
  return value;
}

/** `NAME=VALUE`, repeatable. */
export function variables(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('Give NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `PORT[:NAME[:PROTOCOL]]`, repeatable. */
export function ports(text: string, before: OrderedPort[] = []): OrderedPort[] {
  const parts = /^(\d{1,5})(?::([a-z0-9-]*))?(?::(http|https|tcp|udp))?$/.exec(text);
  if (parts === null) throw new InvalidArgumentError('Give a port such as 8888, 8888:web or 5353:dns:udp.');
  const [, port, name = '', protocol] = parts;
  return [
    ...before,
    {
      port: Number(port),
      ...(name === '' ? {} : { name }),
      ...(protocol === undefined ? {} : { protocol: protocol as NonNullable<OrderedPort['protocol']> }),
    },
  ];
}

export function list(text: string, before: string[] = []): string[] {
  return [...before, text];
}

export function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
