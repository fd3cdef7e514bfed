import { encodeAbiParameters, keccak256, type Address, type Hex } from 'viem';

/** A wallet's total since the beginning, in units of the vault's token. */
export interface BatchLine {
  wallet: Address;
  cumulative: bigint;
}

/** What a settlement puts on the chain. Lines are in the order of their wallets, each once. */
export interface BatchContent {
  chainId: number;
  vault: Address;
  /** Of customers. */
  draws: readonly BatchLine[];
  /** To payees. */
  credits: readonly BatchLine[];
}

/** What the operator proposes and the vault compares: anybody can work it out from the lines. */
export function batchHash({ chainId, vault, draws, credits }: BatchContent): Hex {
  const line = (name: string) => ({
    type: 'tuple[]' as const,
    components: [
      { name, type: 'address' },
      { name: 'cumulative', type: 'uint128' },
    ],
  });
  return keccak256(
    encodeAbiParameters(
      [{ type: 'uint256' }, { type: 'address' }, line('customer'), line('payee')],
      [
        BigInt(chainId),
        vault,
        draws.map(({ wallet, cumulative }) => ({ customer: wallet, cumulative })),
        credits.map(({ wallet, cumulative }) => ({ payee: wallet, cumulative })),
      ],
    ),
  );
}
