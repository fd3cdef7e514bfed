import type { Hex } from 'viem';

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Flips the lowest bit of the last hex digit: another value of the same form. */
export function flipped(hex: string): Hex {
  const last = (Number.parseInt(hex.slice(-1), 16) ^ 1).toString(16);
  return `0x${hex.replace(/^0x/, '').slice(0, -1)}${last}`;
}

/** The other valid signature of the same key and message, with n - s instead of s. */
export function withHighS(signature: string): Hex {
  const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
  return `0x${signature.slice(2, 66)}${s}${signature.endsWith('1b') ? '1c' : '1b'}`;
}
