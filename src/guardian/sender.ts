import { encodeFunctionData, keccak256, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { presentFee, raisedFee } from '../chain/fees.js';
import { asRevert, CallReverted, sendRefusal } from '../chain/node-words.js';
import { rentalVaultAbi } from '../chain/rental-vault-abi.js';
import { askChain, firstAnswer, type Rpc } from '../chain/rpc.js';
import type { Logger } from '../observability/logger.js';
import type { GuardianSettings } from './config.js';
import type { MemoryBox, SentCall } from './memory.js';

/** After so long without being mined, a transaction offers more for its gas. */
const patienceMs = 30_000;

export type GuardianCall = { name: 'veto'; number: number } | { name: 'pause' } | { name: 'unpause' };

/** Where a call is: `refused` says why the vault would not take it, `gas` and `coin` what it lacks. */
export type Pushed = { is: 'sent'; hash: Hex } | { is: 'refused'; why: string } | { is: 'gas' } | { is: 'coin' };

export interface Sender {
  /** Does once what is missing to have a call mined. Call it until the vault says that it is done. */
  push(call: GuardianCall): Promise<Pushed>;
  /** Wei of the guardian's wallet. */
  balance(): Promise<bigint>;
}

interface SenderDeps {
  settings: Pick<GuardianSettings, 'key' | 'chainId' | 'vault' | 'maxFeeWei'>;
  rpcs: readonly Rpc[];
  memory: MemoryBox;
  logger: Logger;
}

const purposeOf = (call: GuardianCall) => (call.name === 'veto' ? `veto:${call.number}` : call.name);

function dataOf(call: GuardianCall): Hex {
  if (call.name === 'veto')
    return encodeFunctionData({ abi: rentalVaultAbi, functionName: 'veto', args: [BigInt(call.number)] });
  return encodeFunctionData({ abi: rentalVaultAbi, functionName: call.name });
}

/**
 * Sends the guardian's transactions. What is signed is written down before it is sent, and the vault's state says when it
 * is done, so the process may die on any line and does it again.
 */
export function createSender({ settings, rpcs, memory, logger }: SenderDeps): Sender {
  const { chainId, vault, maxFeeWei } = settings;
  const account = privateKeyToAccount(settings.key);

  const used = () => firstAnswer(rpcs, ({ client }) => client.getTransactionCount({ address: account.address }));

  async function signed(call: Pick<SentCall, 'data' | 'nonce' | 'gas' | 'fee'>): Promise<Hex> {
    const { data, nonce, gas, fee } = call;
    const kind = 'gasPrice' in fee ? ({ type: 'legacy', ...fee } as const) : ({ type: 'eip1559', ...fee } as const);
    return await account.signTransaction({ chainId, to: vault, data, nonce, gas, ...kind });
  }

  /** A node that is behind, or lies, says that the vault refuses what the others would take. */
  async function anyAnswer<T>(ask: (rpc: Rpc) => Promise<T>): Promise<T> {
    const failures: unknown[] = [];
    for (const rpc of rpcs) {
      try {
        return await askChain(() => ask(rpc));
      } catch (error) {
        failures.push(error);
      }
    }
    throw failures.find((error) => !(error instanceof CallReverted)) ?? failures[0];
  }

  /** @returns undefined while gas is too dear. */
  async function begin(purpose: string, data: Hex, mined: number): Promise<SentCall | undefined> {
    const asked = await anyAnswer(async ({ client }) => {
      const gas = await client.estimateGas({ account: account.address, to: vault, data }).catch((error: unknown) => {
        throw asRevert(error);
      });
      return { fee: await presentFee(client, maxFeeWei), gas: gas + gas / 5n };
    });
    if (asked.fee === undefined) return undefined;
    const { fee, gas } = asked;
    const nonce = Math.max(mined, ...memory.now.sent.map((other) => other.nonce + 1));
    const call = { purpose, data, nonce, gas, fee };
    return { ...call, raw: [await signed(call)], signedAtMs: Date.now() };
  }

  async function raised(sent: SentCall): Promise<SentCall | undefined> {
    const present = await firstAnswer(rpcs, ({ client }) => presentFee(client, maxFeeWei));
    const fee = raisedFee(sent.fee, present, maxFeeWei);
    if (fee === undefined) return undefined;
    return { ...sent, fee, raw: [...sent.raw, await signed({ ...sent, fee })], signedAtMs: Date.now() };
  }

  function keep(sent: SentCall): void {
    memory.change({ sent: [...memory.now.sent.filter(({ nonce }) => nonce !== sent.nonce), sent] });
  }

  async function send({ raw, purpose }: SentCall): Promise<'taken' | 'gas' | 'coin'> {
    const last = raw.at(-1)!;
    const results = await Promise.allSettled(
      rpcs.map(({ client }) => askChain(() => client.sendRawTransaction({ serializedTransaction: last }))),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length < results.length) return 'taken';
    const refusals = failures.map(sendRefusal);
    if (refusals.includes('known') || refusals.includes('nonce too low')) return 'taken';
    if (refusals.includes('no coin')) return 'coin';
    if (refusals.includes('too cheap')) return 'gas';
    logger.warn({ purpose, err: failures[0] }, 'no node of the chain takes a transaction: it is sent again');
    throw failures[0];
  }

  return {
    async push(call) {
      const purpose = purposeOf(call);
      const mined = await used();
      const open = memory.now.sent.filter(({ nonce }) => nonce >= mined);
      if (open.length < memory.now.sent.length) memory.change({ sent: open });
      // One that is not mined holds up all that come after it.
      for (const earlier of open) if (earlier.purpose !== purpose) await send(earlier).catch(() => undefined);
      let sent = open.find((each) => each.purpose === purpose);
      if (sent === undefined || Date.now() - sent.signedAtMs >= patienceMs) {
        try {
          const next = sent === undefined ? await begin(purpose, dataOf(call), mined) : await raised(sent);
          if (next === undefined) {
            if (sent !== undefined) await send(sent);
            return { is: 'gas' };
          }
          sent = next;
        } catch (error) {
          if (error instanceof CallReverted) return { is: 'refused', why: error.errorName };
          throw error;
        }
        keep(sent);
      }
      const taken = await send(sent);
      return taken === 'taken' ? { is: 'sent', hash: keccak256(sent.raw.at(-1)!) } : { is: taken };
    },
    balance: () => firstAnswer(rpcs, ({ client }) => client.getBalance({ address: account.address })),
  };
}
