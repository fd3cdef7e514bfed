import { keccak256, parseTransaction, type Hex } from 'viem';
import { mostOf, presentFee, raisedFee } from '../../chain/fees.js';
import { asRevert, CallReverted, sendRefusal } from '../../chain/node-words.js';
import { exitCodes, Failure } from '../failure.js';
import type { Call } from './calls.js';
import { feeWithin, mostGas } from './gas.js';
import { saidByNode, type Node } from './node.js';
import type { Sender } from './sender.js';
import type { SentCall } from './unfinished.js';

interface Sending {
  node: Node;
  sender: Sender;
  /** The most that a unit of gas may cost. */
  maxFeeWei: bigint;
  /** Writes down what is about to be sent: whoever finds it sends just that, and nothing twice. */
  keep(sent: SentCall): void;
  /** Takes that back: the node has refused it for good. */
  drop(sent: SentCall): void;
}

/** Tries a call, signs it, writes it down, and sends it. */
export async function sendCall({ node, sender, maxFeeWei, keep, drop }: Sending, call: Call): Promise<SentCall> {
  const gas = await triedGas(node, sender, call);
  const entry: SentCall = { what: call.what, words: call.words, hashes: [], raw: [] };
  if (sender.kind === 'wallet') {
    const hash = await sender.send(call);
    entry.hashes.push(hash);
    keep(entry);
    return entry;
  }
  const nonce = await nextNonce(node, sender);
  const fee = await feeWithin(node, maxFeeWei);
  const raw = await signed(node, sender, { ...call, gas, nonce, fee });
  entry.raw.push(raw);
  entry.hashes.push(keccak256(raw));
  keep(entry);
  try {
    await broadcast(node, raw);
  } catch (error) {
    // Only of a node that does not answer it is unknown whether it has it.
    if (error instanceof Failure && error.exitCode !== exitCodes.unreachable) drop(entry);
    throw error;
  }
  return entry;
}

/** What the call takes, tried against the chain as it is: whatever the vault would refuse is refused here. */
async function triedGas({ client }: Node, { address }: Sender, call: Call): Promise<bigint> {
  const { to, data } = call;
  const ask = () => client.estimateGas({ account: address, to, data });
  const needed = await saidByNode(() => (call.what === 'deposit' ? afterApproval(ask) : ask()));
  // A block later it may take a little more.
  const gas = (needed * 5n) / 4n;
  if (gas <= mostGas(call)) return gas;
  const line = `the node says that "${call.words}" takes ${needed} gas, which is far more than a vault or a token takes`;
  throw new Failure(exitCodes.unreachable, `${line}: nothing was sent`, 'ask another node: --rpc URL');
}

const approvalAttempts = 4;
const approvalPollMs = 1_500;

/** A node may be a block behind the one that has just said that the approval is mined. */
async function afterApproval<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const refused = asRevert(error);
      const isSooner = refused instanceof CallReverted && refused.errorName === 'TransferFailed';
      if (!isSooner || attempt >= approvalAttempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, approvalPollMs));
    }
  }
}

async function nextNonce({ client }: Node, { address }: Sender): Promise<number> {
  const [waiting, mined] = await saidByNode(() =>
    Promise.all([
      client.getTransactionCount({ address, blockTag: 'pending' }),
      client.getTransactionCount({ address, blockTag: 'latest' }),
    ]),
  );
  if (waiting <= mined) return mined;
  const line = `${waiting - mined} transactions of this wallet wait already (nonce ${mined} first): this one would wait behind them`;
  throw new Failure(
    exitCodes.notRunning,
    line,
    'wait until they are mined, or replace them in the wallet that sent them',
  );
}

type Fee = NonNullable<Awaited<ReturnType<typeof presentFee>>>;

async function signed(
  { chainId }: Node,
  { account }: Sender & { kind: 'key' },
  { to, data, gas, nonce, fee }: Pick<Call, 'to' | 'data'> & { gas: bigint; nonce: number; fee: Fee },
): Promise<Hex> {
  const common = { chainId, to, data, gas, nonce, value: 0n };
  return 'gasPrice' in fee
    ? await account.signTransaction({ ...common, type: 'legacy', gasPrice: fee.gasPrice })
    : await account.signTransaction({ ...common, type: 'eip1559', ...fee });
}

/** Sends what is signed, once more if need be: a node that has it already says so, which is no failure. */
export async function broadcast({ client }: Node, raw: Hex, { isAgain = false } = {}): Promise<void> {
  await saidByNode(async () => {
    try {
      await client.sendRawTransaction({ serializedTransaction: raw });
    } catch (error) {
      const refusal = sendRefusal(error);
      // Of what was sent before, the first may have been mined meanwhile.
      if (refusal !== 'known' && !(isAgain && refusal === 'nonce too low')) throw error;
    }
  });
}

/** What a transaction that waits offers for a unit of gas at most, in wei; undefined if a wallet sent it. */
export function offered({ raw }: SentCall): bigint | undefined {
  const last = raw.at(-1);
  if (last === undefined) return undefined;
  const { maxFeePerGas, gasPrice } = parseTransaction(last);
  return maxFeePerGas ?? gasPrice;
}

/** Signs the same again, with the same nonce and an eighth more or what the chain asks for now, and sends it. */
export async function sendFaster(
  { node, sender, keep }: Omit<Sending, 'maxFeeWei' | 'drop'>,
  entry: SentCall,
  agree: (wei: { before: bigint; now: bigint; atMost: bigint }) => Promise<void>,
): Promise<void> {
  const last = entry.raw.at(-1);
  if (last === undefined || sender.kind !== 'key') {
    throw new Failure(exitCodes.usage, 'this was sent by the wallet: have the wallet speed it up');
  }
  const tx = parseTransaction(last);
  const before: Fee =
    tx.maxFeePerGas === undefined
      ? { gasPrice: tx.gasPrice ?? 0n }
      : { maxFeePerGas: tx.maxFeePerGas, maxPriorityFeePerGas: tx.maxPriorityFeePerGas ?? 0n };
  const most = 2n ** 128n;
  const fee = raisedFee(before, await saidByNode(() => presentFee(node.client, most)), most)!;
  const gas = tx.gas ?? 0n;
  await agree({ before: mostOf(before), now: mostOf(fee), atMost: gas * mostOf(fee) });
  const call = { to: tx.to!, data: tx.data ?? '0x' } as const;
  const raw = await signed(node, sender, { ...call, gas, nonce: tx.nonce ?? 0, fee });
  entry.raw.push(raw);
  entry.hashes.push(keccak256(raw));
  keep(entry);
  await broadcast(node, raw, { isAgain: true });
}
