import {
  chainOf,
  connect as accountOf,
  refusalInWords,
  switchChain,
  WalletRefusal,
  type Wallet,
} from '../connect/wallets.js';
import { newIdempotencyKey } from '../live/once.js';
import { callFor, type Action, type Call, type VaultPlace } from './actions.js';
import { chainReads, isHash, type ChainReads } from './chain-reads.js';
import { kept } from './following.js';
import { rememberWallet } from './own-wallet.js';
import { revertInWords } from './reverts.js';

export interface Asking {
  /** Whose wallet it has to be. */
  owner: string;
  place: VaultPlace;
  /** Tells the person what their wallet waits for. */
  say(text: string): void;
  signal: AbortSignal;
}

/**
 * The chain over a wallet that has the right account and is on the right chain; it is asked to change where it is not.
 *
 * @throws WalletRefusal
 */
export async function onChain(wallet: Wallet, { owner, place, say, signal }: Asking): Promise<ChainReads> {
  say(`${wallet.name} asks you which account to use.`);
  const account = await accountOf(wallet, signal);
  if (account !== owner.toLowerCase())
    throw new WalletRefusal('That is another account than the one that is connected here. Choose that one.');
  if ((await chainOf(wallet, signal)) !== place.chainId) {
    say(`${wallet.name} has to change to the chain with the id ${place.chainId}.`);
    await switchChain(wallet, place.chainId, signal);
  }
  rememberWallet(wallet, account);
  return chainReads(wallet.provider);
}

/**
 * Has the wallet send an action. What is asked for is kept before the wallet is asked, so that its end is found on the
 * chain whatever becomes of this page; what the wallet or the vault refuses is not kept.
 *
 * @returns the id under which it is kept.
 * @throws WalletRefusal
 */
export async function sendAction(
  wallet: Wallet,
  reads: ChainReads,
  action: Action,
  { owner, place, say, signal }: Asking,
): Promise<string> {
  const call = callFor(action, owner, place);
  await requireAccepted(wallet, owner, call);
  signal.throwIfAborted();
  const [nonce, block] = await Promise.all([reads.nonce(owner, 'pending'), reads.block()]);
  signal.throwIfAborted();
  const id = newIdempotencyKey();
  kept.add({ id, wallet: owner, place, action, nonce, fromBlock: block + 1, askedAtMs: Date.now() });
  say(`${wallet.name} asks you to confirm ${inWallet[action.kind]}.`);
  const params = [{ from: owner, to: call.to, data: call.data, value: '0x0' }];
  try {
    const hash = await wallet.provider.request({ method: 'eth_sendTransaction', params });
    // Also where nobody waits any more: it is sent.
    if (isHash(hash)) kept.change(id, { hash });
  } catch (error) {
    kept.drop(id);
    throw new WalletRefusal(sendRefusal(wallet.name, error));
  } finally {
    signal.throwIfAborted();
  }
  return id;
}

/** How wallets name what they show. */
const inWallet: Record<Action['kind'], string> = {
  approve: 'that the vault may fetch this amount, and no more',
  deposit: 'the deposit',
  'raise-cap': 'the higher cap',
  withdraw: 'the withdrawal',
  'request-exit': 'the request for your exit',
  'cancel-exit': 'that you stay',
  exit: 'the exit',
  'withdraw-earnings': 'the withdrawal of your earnings',
};

/** Tries the call first, so that nobody pays for one that fails. What only a node's trouble keeps from trying goes on. */
async function requireAccepted(wallet: Wallet, from: string, call: Call): Promise<void> {
  try {
    await wallet.provider.request({ method: 'eth_call', params: [{ from, ...call }, 'latest'] });
  } catch (error) {
    const words = dataIn(error)
      .map(revertInWords)
      .find((found) => found !== undefined);
    if (words !== undefined) throw new WalletRefusal(`${words} Your wallet was not asked.`);
  }
}

/** Where nodes and wallets put what a contract answered. */
function dataIn(error: unknown, depth = 0): unknown[] {
  if (typeof error !== 'object' || error === null || depth > 4) return [error];
  const { data, error: inner, originalError, cause } = error as Record<string, unknown>;
  return [data, inner, originalError, cause].flatMap((each) => (each === undefined ? [] : dataIn(each, depth + 1)));
}

function sendRefusal(name: string, error: unknown): string {
  const said = (error as { message?: unknown } | null)?.message;
  return typeof said === 'string' && /insufficient funds/i.test(said)
    ? `Your account has too few coins of this chain to pay for gas. Nothing was sent. Get some, then try again.`
    : refusalInWords(name, error);
}
