import { z } from 'zod';
import type { Address, Hex } from 'viem';

/** An address in any case, converted to lower case: a checksum says nothing about its owner. */
export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((text) => text.toLowerCase() as Address);

export const bytes32 = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be 0x and 64 hex digits')
  .transform((text) => text.toLowerCase() as Hex);

/** The largest accepted signature: those of contract wallets with passkeys have a few kilobytes. */
export const maxSignatureHex = 2 + 2 * 8_192;

export const walletSignature = z
  .string()
  .max(maxSignatureHex)
  .regex(/^0x(?:[0-9a-fA-F]{2})+$/, 'must be 0x and hex digits')
  .transform((text) => text as Hex);

/** Base units as a decimal string, because a JSON number would lose digits. */
export const baseUnits = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,77})$/, 'must be a whole number of base units, as a decimal string')
  .transform(BigInt)
  .refine((amount) => amount < 1n << 256n, 'must fit into 256 bits');

/** Wallets return integers as numbers or as decimal strings. */
export const unixSeconds = z
  .union([z.int().min(0).max(99_999_999_999), z.string().regex(/^[0-9]{1,11}$/, 'must be unix seconds')])
  .transform(Number);

export const chainId = z.int().positive();
