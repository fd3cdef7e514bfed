import type { Hex } from 'viem';

/*
 * What a call of a contract is made of: words of 32 bytes. The few calls of the console are written and read here without
 * the library that can write all of them; a test compares both.
 */

/** 64 hex digits, without `0x`. */
export function numberWord(value: bigint | number): string {
  const number = BigInt(value);
  if (number < 0n || number >= 2n ** 256n) throw new RangeError('a word holds 0 to 2^256 - 1');
  return number.toString(16).padStart(64, '0');
}

export function addressWord(address: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) throw new RangeError('an address is 0x and 40 hex digits');
  return address.slice(2).toLowerCase().padStart(64, '0');
}

/** Bytes at the end of a call: their length, and they themselves, filled up to whole words. */
export function bytesWords(bytes: string): string {
  const digits = bytes.slice(2).toLowerCase();
  return numberWord(digits.length / 2) + digits.padEnd(Math.ceil(digits.length / 64) * 64, '0');
}

/** The words of an answer or an event; undefined where it is something else. */
export function wordsOf(data: unknown): bigint[] | undefined {
  if (typeof data !== 'string' || !/^0x(?:[0-9a-fA-F]{64})*$/.test(data)) return undefined;
  return (data.slice(2).match(/.{64}/g) ?? []).map((word) => BigInt(`0x${word}`));
}

export const callOf = (selector: Hex, ...words: readonly string[]): Hex => `${selector}${words.join('')}`;
