import type { Address } from 'viem';
import type { Deployed, VaultChain } from '../support/vault-chain.js';
import { publishedContract } from '../support/vault-chain.js';
import { accountOf, actorsWith, type Actors } from './vault-actors.js';
import type { Content, SpendPermit, VaultCall } from './vault-calls.js';
import { argumentsOf } from './vault-encoding.js';

const hour = 3_600;
export const batchDelayS = 12 * hour;
export const exitDelayS = 7 * 24 * hour;

export interface VaultOnChain {
  chain: VaultChain;
  vault: Deployed;
  token: Deployed;
  /** Calls the vault, and returns the gas that it took. */
  call(by: Address, call: VaultCall): Promise<number>;
  /** How the vault refuses it; `done` where it does not. */
  refusal(by: Address, call: VaultCall): Promise<string>;
  /** Gives tokens, and lets the vault take them. */
  endow(who: Address, amount: bigint): Promise<void>;
  held(who: Address): Promise<bigint>;
  /** `balance`, `spent`, `cap`, `exitAt`, `withdrawn`. */
  customer(who: Address): Promise<readonly bigint[]>;
}

export const actors: Actors = actorsWith('0x0000000000000000000000000000000000000001');

/** The published vault with that token, on a chain. */
export async function vaultOnChain(chain: VaultChain, token: Deployed): Promise<VaultOnChain> {
  const { admin, operator, guardian, treasury } = actors;
  const roles = [admin, operator, guardian, treasury];
  const args = [token.address, ...roles, BigInt(batchDelayS), BigInt(exitDelayS)];
  const vault = await chain.deploy(publishedContract('RentalVault'), args);
  const place = { chainId: chain.chainId, vault: vault.address };
  await Promise.all(
    Object.values(actors)
      .filter((who) => who !== actors.wallet)
      .map((who) => chain.fund(who)),
  );
  const call = async (by: Address, what: VaultCall) => {
    const receipt = await chain.send(accountOf(by), vault, what.name, await argumentsOf(place, what));
    return Number(receipt.gasUsed);
  };
  return {
    ...{ chain, vault, token, call },
    async refusal(by, what) {
      try {
        await call(by, what);
        return 'done';
      } catch (error) {
        return (error as Error).message;
      }
    },
    async endow(who, amount) {
      await chain.send(accountOf(actors.admin), token, 'mint', [who, amount]);
      await chain.send(accountOf(who), token, 'approve', [vault.address, 2n ** 200n]);
    },
    held: async (who) => await chain.read(token, 'balanceOf', [who]),
    customer: async (who) => await chain.read(vault, 'customers', [who]),
  };
}

/** A permit as its customer signs it. */
export function permitOf(customer: Address, cap: bigint): SpendPermit {
  return { customer, cap, signature: { by: customer, customer, total: cap, deadline: 0 } };
}

/** A withdrawal that the operator has signed. */
export function withdrawalOf(customer: Address, cumulative: bigint, deadline: number, by = actors.operator) {
  const signature = { by, customer, total: cumulative, deadline };
  return { name: 'withdraw', to: customer, cumulative, deadline, signature } as const;
}

export function contentOf(draws: [Address, bigint][], credits: [Address, bigint][]): Content {
  const lines = (of: [Address, bigint][]) => of.map(([who, cumulative]) => ({ who, cumulative }));
  return { draws: lines(draws), credits: lines(credits) };
}
