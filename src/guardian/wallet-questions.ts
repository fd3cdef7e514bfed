import type { Address, Hex } from 'viem';
import { presentFee } from '../chain/fees.js';
import { asRevert, CallReverted } from '../chain/node-words.js';
import type { Rpc } from '../chain/rpc.js';
import { BrokerError } from '../domain/errors.js';
import type { AskAll } from './ask-all.js';
import type { GuardianSettings } from './config.js';
import { gasFor, isSane, type AskedFees } from './offers.js';

export type WalletQuestions = ReturnType<typeof createWalletQuestions>;

/** What the nodes say of the guardian's wallet and of what a call would cost. */
export function createWalletQuestions(
  { vault, maxFeeWei }: Pick<GuardianSettings, 'vault' | 'maxFeeWei'>,
  { rpcs, askAll, wallet }: { rpcs: readonly Rpc[]; askAll: AskAll; wallet: Address },
) {
  return {
    /** How many transactions each node says were mined. Those that wait in a node do not count. */
    async counts(): Promise<{ by: Map<Rpc, number>; said: number[]; isComplete: boolean; failures: unknown[] }> {
      const { answers, failures } = await askAll(async (rpc) => {
        return [rpc, await rpc.client.getTransactionCount({ address: wallet })] as const;
      });
      const said = answers.map(([, count]) => count);
      return { by: new Map(answers), said, isComplete: said.length === rpcs.length, failures };
    },

    /** No fees while gas is too dear for every node. */
    async fees(): Promise<AskedFees & { isDearForSome: boolean }> {
      const { answers } = await askAll(({ client }) => presentFee(client, maxFeeWei));
      const sane = answers.filter((fee) => fee === undefined || isSane(fee));
      const fees = sane.filter((fee) => fee !== undefined);
      return { fees, isDearForSome: fees.length < sane.length, isComplete: sane.length === rpcs.length };
    },

    /**
     * @returns `supporters`: the hosts of those that say that the vault would take the call, if others do not say so.
     * @throws CallReverted when no node says that the vault would take the call.
     */
    async gas(data: Hex): Promise<{ gas: bigint; leastGas: bigint; supporters?: string[] }> {
      const { answers, failures } = await askAll(async ({ client, host }) => {
        const ask = client.estimateGas({ account: wallet, to: vault, data });
        return {
          host,
          gas: await ask.catch((error: unknown) => {
            throw asRevert(error);
          }),
        };
      });
      // A node that is behind, or lies, says that the vault refuses what the others would take.
      if (answers.length === 0)
        throw firstOf([...failures.filter((error) => !(error instanceof CallReverted)), ...failures]);
      const needed = gasFor(answers.map(({ gas }) => gas));
      return answers.length === rpcs.length ? needed : { ...needed, supporters: answers.map(({ host }) => host) };
    },

    /** The least that a node says: an alarm too many is better than none. */
    async balance(): Promise<bigint> {
      const { answers, failures } = await askAll(({ client }) => client.getBalance({ address: wallet }));
      if (answers.length === 0) throw firstOf(failures);
      return answers.reduce((a, b) => (b < a ? b : a));
    },
  };
}

/** What to throw when no node has an answer that counts. */
export function firstOf(failures: readonly unknown[]): Error {
  const [first] = failures;
  return first instanceof Error
    ? first
    : new BrokerError('dependency_unavailable', 'no node of the chain answers in time');
}
