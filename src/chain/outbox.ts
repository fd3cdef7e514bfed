import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Address, Hex, TransactionSerializable } from 'viem';
import { keccak256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { ChainSettings } from '../config/chain.js';
import {
  addReplacement,
  findTx,
  insertTx,
  lockSigner,
  nonceAfterOurs,
  openTx,
  recordTxWait,
  type ChainTx,
  type Fee,
  type Signer,
} from '../db/chain-tx.js';
import { withTransaction } from '../db/pool.js';
import { presentFee, raisedFee } from './fees.js';
import { latestOfAll } from './final-block.js';
import { sendRefusal } from './node-words.js';
import { agreed, askChain, firstAnswer, type Rpc } from './rpc.js';
import { simulate } from './dry-run.js';
import { fateOf } from './tx-fate.js';

/** A call of the vault that is wanted, named by what it is for. */
export interface WantedCall {
  purpose: string;
  to: Address;
  data: Hex;
}

/** Where a wanted call is. `waitsFor` says what an operator could do about it. */
export type Sent = Pick<ChainTx, 'status' | 'waitsFor'>;

export interface Outbox {
  address: Address;
  /**
   * Makes sure that a call is on its way: signs it once, however often it is asked for, and sends what was signed. A call
   * whose transaction was reverted or lost is signed again.
   *
   * @throws CallReverted when all nodes say that the vault would refuse it now; NodesDisagree; BrokerError
   *   `dependency_unavailable`.
   */
  submit(call: WantedCall): Promise<Sent>;
  /**
   * Looks once where a call is and does what is missing: sends it again, or with a higher fee, it and all that was signed
   * before it.
   */
  look(purpose: string): Promise<Sent>;
}

/** After so long without being mined, a transaction offers more for its gas. */
const patienceS = 60;

interface OutboxDeps {
  settings: Pick<ChainSettings, 'chainId' | 'operatorKey' | 'finality' | 'maxFeeWei'>;
  rpcs: readonly Rpc[];
  pool: Pool;
  logger: Logger;
  /** Only tests are less patient. */
  patienceS?: number;
}

/**
 * Sends transactions of the operator's key. What is signed is committed before any of it is sent, with its nonce under a
 * lock of the signer, so a process may die on any line: the next one finds what may have been sent, and sends just that.
 */
export function createOutbox({ settings, rpcs, pool, logger, ...deps }: OutboxDeps): Outbox {
  const { operatorKey, chainId, maxFeeWei } = settings;
  if (operatorKey === undefined) throw new TypeError('only a process with the operator’s key sends anything');
  const account = privateKeyToAccount(operatorKey);
  const signer: Signer = { chainId, address: account.address };

  async function sign(call: Omit<WantedCall, 'purpose'>, nonce: number, gas: bigint, fee: Fee) {
    const kind = 'gasPrice' in fee ? ({ type: 'legacy', ...fee } as const) : ({ type: 'eip1559', ...fee } as const);
    const unsigned: TransactionSerializable = { chainId, to: call.to, data: call.data, nonce, gas, ...kind };
    const raw = await account.signTransaction(unsigned);
    return { raw, hash: keccak256(raw) };
  }

  /** Signs a call that is not on its way, and commits it. Nothing was sent when it throws. */
  async function write({ purpose, to, data }: WantedCall): Promise<'written' | 'too dear'> {
    const block = await latestOfAll(rpcs);
    const simulated = await simulate(rpcs, { from: account.address, to, data }, block);
    if ('refused' in simulated) throw simulated.refused;
    const gas = simulated.gas + simulated.gas / 5n;
    // A nonce that is too high could never be mined, nor any that comes after it.
    const used = await agreed(rpcs, 'what the operator has sent', ({ client }) =>
      client.getTransactionCount({ address: account.address, blockNumber: block }),
    );
    const fee = await firstAnswer(rpcs, ({ client }) => presentFee(client, maxFeeWei));
    if (fee === undefined) return 'too dear';
    await withTransaction(pool, async (tx) => {
      await lockSigner(tx, signer);
      const stands = await findTx(tx, purpose);
      // Another process was faster.
      if (stands !== undefined && stands.status !== 'lost' && stands.status !== 'reverted') return;
      const nonce = Math.max(await nonceAfterOurs(tx, signer), used);
      await insertTx(tx, {
        purpose,
        to,
        data,
        signer,
        nonce,
        gas,
        fee,
        ...(await sign({ to, data }, nonce, gas, fee)),
      });
    });
    return 'written';
  }

  /** Hands the last of what was signed to every node. */
  async function send(tx: ChainTx): Promise<void> {
    const raw = tx.raw.at(-1)!;
    const results = await Promise.allSettled(
      rpcs.map(({ client }) => askChain(() => client.sendRawTransaction({ serializedTransaction: raw }))),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    const refusals = failures.map(sendRefusal);
    const isTaken =
      failures.length < results.length || refusals.includes('known') || refusals.includes('nonce too low');
    const waitsFor = isTaken
      ? undefined
      : refusals.includes('no coin')
        ? 'coin'
        : refusals.includes('too cheap')
          ? 'gas'
          : tx.waitsFor;
    await recordTxWait(pool, tx.purpose, waitsFor);
    if (isTaken || refusals.some((refusal) => refusal !== undefined)) return;
    throw failures[0];
  }

  /** Offers more for the gas of a transaction that nobody mines. */
  async function raise(tx: ChainTx): Promise<void> {
    const present = await firstAnswer(rpcs, ({ client }) => presentFee(client, maxFeeWei));
    const fee = raisedFee(tx.fee, present, maxFeeWei);
    if (fee === undefined) {
      logger.warn(
        { purpose: tx.purpose, nonce: tx.nonce },
        'a transaction waits for cheaper gas, or a higher MAX_FEE_GWEI',
      );
      await send(tx);
      return await recordTxWait(pool, tx.purpose, 'gas');
    }
    const signed = await sign(tx, tx.nonce, tx.gas, fee);
    await withTransaction(pool, async (db) => {
      await lockSigner(db, signer);
      await addReplacement(db, { purpose: tx.purpose, hashes: tx.hashes, fee, ...signed });
    });
    const stands = await findTx(pool, tx.purpose);
    if (stands?.status === 'submitted') await send(stands);
  }

  async function lookAt(tx: ChainTx): Promise<void> {
    const fate = await fateOf(tx, { rpcs, pool, finality: settings.finality });
    if (fate !== 'submitted') return;
    const stands = await findTx(pool, tx.purpose);
    if (stands?.status !== 'submitted') return;
    const isOverdue = stands.signedAgoS >= (deps.patienceS ?? patienceS);
    await (isOverdue || stands.waitsFor === 'gas' ? raise(stands) : send(stands));
  }

  async function look(purpose: string): Promise<Sent> {
    // Of those before it, too: while one of them is not mined, this one cannot be.
    for (const tx of await openTx(pool, signer)) {
      await lookAt(tx);
      if (tx.purpose === purpose) break;
    }
    return sentOf(await findTx(pool, purpose));
  }

  return {
    address: account.address,
    look,
    async submit(call) {
      const stands = await findTx(pool, call.purpose);
      if (stands === undefined || stands.status === 'lost' || stands.status === 'reverted') {
        if ((await write(call)) === 'too dear') return { status: stands?.status ?? 'lost', waitsFor: 'gas' };
      }
      return await look(call.purpose);
    },
  };
}

function sentOf(tx: ChainTx | undefined): Sent {
  if (tx === undefined) return { status: 'lost' };
  return { status: tx.status, ...(tx.waitsFor === undefined ? {} : { waitsFor: tx.waitsFor }) };
}
