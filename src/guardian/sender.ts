import { encodeFunctionData, keccak256, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { presentFee } from '../chain/fees.js';
import { asRevert, CallReverted, sendRefusal } from '../chain/node-words.js';
import { rentalVaultAbi } from '../chain/rental-vault-abi.js';
import { askChain, type Rpc } from '../chain/rpc.js';
import { BrokerError } from '../domain/errors.js';
import type { Logger } from '../observability/logger.js';
import { askAll } from './ask-all.js';
import type { GuardianSettings } from './config.js';
import type { SendersMemory, SentCall } from './memory.js';
import { nonceOf, possibleCounts } from './nonces.js';
import { gasFor, offersOf } from './offers.js';

/** After so long without being mined, a transaction offers more for its gas. */
const patienceMs = 30_000;

export type GuardianCall = { name: 'veto'; number: number } | { name: 'pause' } | { name: 'unpause' };

/** Where a call is: `refused` says why the vault would not take it, `gas` and `coin` what it lacks. */
type Pushed = { is: 'sent'; hash: Hex } | { is: 'refused'; why: string } | { is: 'gas' } | { is: 'coin' };

export interface Sender {
  /** Does once what is missing to have a call mined. Call it until the vault says that it is done. */
  push(call: GuardianCall): Promise<Pushed>;
  /** Wei of the guardian's wallet. */
  balance(): Promise<bigint>;
}

interface SenderDeps {
  settings: Pick<GuardianSettings, 'key' | 'chainId' | 'vault' | 'maxFeeWei'>;
  rpcs: readonly Rpc[];
  memory: SendersMemory;
  logger: Logger;
  /** Only tests are less patient. */
  patience?: number;
}

type Fee = NonNullable<Awaited<ReturnType<typeof presentFee>>>;

const purposeOf = (call: GuardianCall) => (call.name === 'veto' ? `veto:${call.number}` : call.name);

function dataOf(call: GuardianCall): Hex {
  if (call.name === 'veto')
    return encodeFunctionData({ abi: rentalVaultAbi, functionName: 'veto', args: [BigInt(call.number)] });
  return encodeFunctionData({ abi: rentalVaultAbi, functionName: call.name });
}

/**
 * Sends the guardian's transactions. What is signed is written down before it is sent, and the vault's state says when it
 * is done, so the process may die on any line and does it again.
 *
 * All nodes are asked and sent everything, side by side, and none is believed alone. One that lies about how many
 * transactions were mined, what gas costs or what it has done makes a veto dearer at most.
 */
export function createSender({ settings, rpcs, memory, logger, patience = patienceMs }: SenderDeps): Sender {
  const { chainId, vault, maxFeeWei } = settings;
  const account = privateKeyToAccount(settings.key);
  let agreedCount: number | undefined;

  /**
   * How many transactions of the wallet may have been mined, lowest first. Those that wait in a node do not count: where
   * this process knows nothing of one, it is replaced, for it may be too cheap to be mined ever.
   */
  async function countsNow(): Promise<number[]> {
    const { answers, failures } = await askAll(rpcs, ({ client }) =>
      client.getTransactionCount({ address: account.address }),
    );
    const counts = possibleCounts(answers, agreedCount, noncesOf(memory.now.sent));
    if (counts.length === 0) throw firstOf(failures);
    if (answers.length === rpcs.length && counts.length === 1) agreedCount = counts[0];
    return counts;
  }

  /** @returns undefined while gas is too dear for every node. */
  async function feesNow(): Promise<{ fees: Fee[]; isDearForSome: boolean }> {
    const { answers, failures } = await askAll(rpcs, ({ client }) => presentFee(client, maxFeeWei));
    if (answers.length === 0) throw firstOf(failures);
    const fees = answers.filter((fee) => fee !== undefined);
    return { fees, isDearForSome: fees.length < answers.length };
  }

  /** @throws CallReverted when no node says that the vault would take the call. */
  async function gasNow(data: Hex): Promise<bigint> {
    const { answers, failures } = await askAll(rpcs, ({ client }) =>
      client.estimateGas({ account: account.address, to: vault, data }).catch((error: unknown) => {
        throw asRevert(error);
      }),
    );
    // A node that is behind, or lies, says that the vault refuses what the others would take.
    if (answers.length === 0)
      throw firstOf([...failures.filter((error) => !(error instanceof CallReverted)), ...failures]);
    return gasFor(answers);
  }

  async function signed(call: Omit<SentCall, 'raw' | 'signedAtMs'>, fees: readonly Fee[]): Promise<SentCall> {
    const { data, nonce, gas, rounds } = call;
    const raw: Hex[] = [];
    for (const fee of offersOf(fees, rounds, maxFeeWei)) {
      const kind = 'gasPrice' in fee ? ({ type: 'legacy', ...fee } as const) : ({ type: 'eip1559', ...fee } as const);
      raw.push(await account.signTransaction({ chainId, to: vault, data, nonce, gas, ...kind }));
    }
    return { ...call, raw, signedAtMs: Date.now() };
  }

  /**
   * Signs a call for the first time, or for more. While nodes say different things of the nonce, a veto is signed for each:
   * one of them is right, and a veto that is mined twice does nothing. The others could be used against the vault later.
   *
   * @returns undefined while gas is too dear.
   */
  async function sign(call: GuardianCall, counts: readonly number[], own: readonly SentCall[]) {
    const [purpose, data] = [purposeOf(call), dataOf(call)];
    const gas = own[0]?.gas ?? (await gasNow(data));
    const { fees, isDearForSome } = await feesNow();
    if (fees.length === 0) return undefined;
    const round = 1 + Math.max(-1, ...own.map(({ rounds }) => rounds));
    const ofOwn = own.map(({ nonce }) => nonce);
    const believed = call.name === 'veto' ? counts : counts.slice(0, 1 + round);
    const nonces = new Set<number>();
    for (const count of believed) nonces.add(nonceOf(count, ofOwn, noncesOf(memory.now.sent)));
    const fresh: SentCall[] = [];
    for (const nonce of nonces) {
      const rounds = 1 + (own.find((each) => each.nonce === nonce)?.rounds ?? -1);
      fresh.push(await signed({ purpose, data, nonce, gas, rounds }, fees));
    }
    memory.change({ sent: [...memory.now.sent.filter(({ nonce }) => !nonces.has(nonce)), ...fresh] });
    return { isDear: isDearForSome && round > 0 };
  }

  /** Hands everything to every node, and says what they made of one call. */
  async function send(purpose: string): Promise<'taken' | 'gas' | 'coin'> {
    const calls = memory.now.sent.toSorted((a, b) => a.nonce - b.nonce);
    const { answers } = await askAll(rpcs, (rpc) => handTo(rpc, calls, purpose));
    const outcomes = answers.flat();
    const said = new Set(outcomes.map((outcome) => (outcome instanceof Error ? sendRefusal(outcome) : outcome)));
    if (said.has('taken') || said.has('known') || said.has('nonce too low')) return 'taken';
    if (said.has('no coin')) return 'coin';
    if (said.has('too cheap')) return 'gas';
    logger.warn({ purpose, err: outcomes[0] }, 'no node of the chain takes a transaction: it is sent again');
    throw firstOf(outcomes);
  }

  return {
    async push(call) {
      const purpose = purposeOf(call);
      const counts = await countsNow();
      const open = memory.now.sent.filter(({ nonce }) => nonce >= counts[0]!);
      if (open.length < memory.now.sent.length) memory.change({ sent: open });
      const own = open.filter((each) => each.purpose === purpose);
      const isOverdue = own.every(({ signedAtMs }) => Date.now() - signedAtMs >= patience);
      let isDear = false;
      if (isOverdue) {
        try {
          const done = await sign(call, counts, own);
          isDear = done?.isDear ?? true;
        } catch (error) {
          if (error instanceof CallReverted) return { is: 'refused', why: error.errorName };
          throw error;
        }
      }
      const sent = memory.now.sent.find((each) => each.purpose === purpose);
      if (sent === undefined) return { is: 'gas' };
      const taken = await send(purpose);
      if (taken !== 'taken') return { is: taken };
      return isDear ? { is: 'gas' } : { is: 'sent', hash: keccak256(sent.raw[0]!) };
    },
    /** The least that a node says: an alarm too many is better than none. */
    async balance() {
      const { answers, failures } = await askAll(rpcs, ({ client }) => client.getBalance({ address: account.address }));
      if (answers.length === 0) throw firstOf(failures);
      return answers.reduce((a, b) => (b < a ? b : a));
    },
  };
}

/** What to throw when no node has an answer that counts. */
function firstOf(failures: readonly unknown[]): Error {
  const [first] = failures;
  return first instanceof Error
    ? first
    : new BrokerError('dependency_unavailable', 'no node of the chain answers in time');
}

const noncesOf = (sent: readonly SentCall[]) => new Set(sent.map(({ nonce }) => nonce));

type Outcome = 'taken' | Error;

/**
 * Hands transactions to a node, lowest nonce first: one that is not mined holds up all that come after it. Of each nonce the
 * node gets everything, the dearest first; what it has no use for, it refuses.
 *
 * @returns what it made of each that is for this.
 */
async function handTo({ client }: Rpc, calls: readonly SentCall[], purpose: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const call of calls) {
    for (const serializedTransaction of call.raw) {
      let outcome: Outcome = 'taken';
      try {
        await askChain(() => client.sendRawTransaction({ serializedTransaction }));
      } catch (error) {
        outcome = error as Error;
      }
      if (call.purpose === purpose) outcomes.push(outcome);
      // It is away, and would be asked in vain for a long time.
      if (outcome instanceof BrokerError) return outcomes.length > 0 ? outcomes : [outcome];
    }
  }
  return outcomes;
}
