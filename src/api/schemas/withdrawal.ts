import { encodeFunctionData, type Address, type Hex } from 'viem';
import { z } from 'zod';
import type { Withdrawal } from '../../db/withdrawals.js';
import { rentalVaultAbi } from '../../chain/rental-vault-abi.js';
import { amount, shown, tokens } from './shown-amounts.js';

const maxAmount = 2n ** 128n - 1n;

const vaultAmount = z
  .string()
  .regex(/^[1-9]\d{0,38}$/, {
    error: 'must be a whole number of base units above 0 and below 2^128, as a string',
    abort: true,
  })
  .refine((text) => BigInt(text) <= maxAmount, 'must be below 2^128')
  .describe('Base units');

export const requestKey = z.object({
  'idempotency-key': z
    .string({ error: 'is required: a repeat with the same key and body does nothing again' })
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/, 'must be 1 to 255 printable ASCII characters')
    .describe('A repeat with the same key and the same body does nothing again'),
});

export const permitBody = z.strictObject({
  cumulative_cap: vaultAmount.describe('Base units that all draws may come to; not less than you have signed before'),
  signature: z
    .string()
    .regex(/^0x[0-9a-fA-F]{130}$/, 'must be 0x and 130 hex digits: r, s and v')
    .describe('Of `permit_typed_data` of your deposits, with your cap in it, by your wallet'),
});

export const withdrawalBody = z.strictObject({
  amount: vaultAmount.describe('Base units: at most what is `available` of your deposits'),
});

export const withdrawalReply = z
  .object({
    withdrawal_id: z.string(),
    amount,
    amount_tokens: tokens,
    cumulative: z
      .string()
      .describe('In units of the token, as it is signed: what you have taken out in all, with this'),
    deadline: z.iso.datetime().nullable().describe('By the time of the chain; null until it is signed'),
    signature: z.string().nullable().describe('Of the vault’s operator; null until it is signed'),
    call: z
      .object({ to: z.string().describe('The vault'), data: z.string() })
      .nullable()
      .describe('What your wallet sends to have it; null until it is signed. Nobody else can use it'),
  })
  .meta({ id: 'Withdrawal' });

export function withdrawalReplyOf(
  { vault }: { vault: Address },
  { id, wallet, amount: asked, cumulative, deadlineS, signature }: Withdrawal,
): z.infer<typeof withdrawalReply> {
  const isSigned = deadlineS !== undefined && signature !== undefined;
  return {
    ...{ withdrawal_id: id, ...shown({ amount: asked }), cumulative: cumulative.toString() },
    deadline: deadlineS === undefined ? null : new Date(deadlineS * 1_000).toISOString(),
    signature: signature ?? null,
    call: isSigned ? { to: vault, data: callOf(wallet, cumulative, deadlineS, signature) } : null,
  };
}

const callOf = (wallet: Address, cumulative: bigint, deadlineS: number, signature: Hex) =>
  encodeFunctionData({
    abi: rentalVaultAbi,
    functionName: 'withdraw',
    args: [wallet, cumulative, BigInt(deadlineS), signature],
  });
