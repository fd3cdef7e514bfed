import { BaseError, createPublicClient, http, RpcRequestError, type Address, type Hex, type HttpTransport } from 'viem';
import type { Config } from '../../config.js';
import { BrokerError } from '../../domain/errors.js';
import { limitReached } from '../../domain/limits.js';
import { currentTurn, Turns } from '../turns.js';

/** Asks the chain whether a contract accepts a signature as its own. */
export type VerifyContractWallet = (wallet: Address, digest: Hex, signature: Hex, chainId: number) => Promise<boolean>;

/** The check that the configuration asks for; undefined where contract wallets are not let in. */
export function contractWallets({
  AUTH_SMART_WALLETS,
  AUTH_RPC_URL,
}: Pick<Config, 'AUTH_SMART_WALLETS' | 'AUTH_RPC_URL'>): VerifyContractWallet | undefined {
  return AUTH_SMART_WALLETS && AUTH_RPC_URL !== undefined ? createContractWalletVerifier(AUTH_RPC_URL) : undefined;
}

/** How long a login waits for the node. */
const rpcTimeoutMs = 3_000;
/** How many wallets the node is asked about at once, and how many may wait. */
const askedAtOnce = 4;
const maxWaiting = 100;

/** ERC-6492 and ERC-8010 signatures each end in 32 characteristic bytes. */
const endsIn = (signature: string, number: string) => signature.toLowerCase().endsWith(number.repeat(16));

/**
 * Verifies signatures of contract wallets, deployed (ERC-1271) or not yet (ERC-6492), through one node. The node must
 * be on the chain the wallet signed for: the contract at this address may belong to somebody else on another chain.
 *
 * Anyone can name a wallet, and the node handles only a few at a time, so addresses take turns.
 *
 * @throws BrokerError `auth_backend_unavailable` while the node does not answer, `rate_limited` when too many wait.
 */
export function createContractWalletVerifier(rpcUrl: string): VerifyContractWallet {
  const node = http(rpcUrl, { timeout: rpcTimeoutMs, retryCount: 0 });
  // Otherwise a contract could name a URL for this process to fetch.
  const client = createPublicClient({ transport: node, ccipRead: false });
  let nodeChainId: Promise<number> | undefined;

  const turns = new Turns();
  let asked = 0;

  async function whenFree<T>(ask: () => Promise<T>): Promise<T> {
    if (asked >= askedAtOnce) {
      await new Promise<void>((resolve, reject) => {
        turns.add(currentTurn(), {
          run: async () => resolve(),
          drop: () => reject(limitReached('signatures', { allowed: maxWaiting, retryAfterS: 1 })),
        });
        if (turns.size > maxWaiting) turns.dropFromLongest()!.drop();
      });
    }
    asked++;
    try {
      return await ask();
    } finally {
      asked--;
      void turns.next()?.run();
    }
  }

  return async (wallet, digest, signature, chainId) => {
    if (endsIn(signature, '8010')) return false;
    return await whenFree(() => accepts(wallet, digest, signature, chainId));
  };

  async function accepts(wallet: Address, digest: Hex, signature: Hex, chainId: number): Promise<boolean> {
    try {
      nodeChainId ??= client.getChainId();
      if ((await nodeChainId) !== chainId) return false;
      // Without code and without a deployment in the signature, this is an ordinary wallet whose signature has already
      // been rejected. The library would recover the signer again, with weaker checks of the form.
      if (!endsIn(signature, '6492') && (await client.getCode({ address: wallet })) === undefined) return false;
      return await acceptedByContract(wallet, digest, signature);
    } catch (error) {
      nodeChainId = undefined;
      throw new BrokerError(
        'auth_backend_unavailable',
        'the chain cannot be asked about this wallet',
        {},
        { cause: error },
      );
    }
  }

  /** The library treats every failed call as the contract's refusal, even if it never reached a contract. */
  async function acceptedByContract(address: Address, hash: Hex, signature: Hex): Promise<boolean> {
    let fault: unknown;
    const noting: HttpTransport = (options) => {
      const transport = node(options);
      const request = (async (asked: Parameters<typeof transport.request>[0]) => {
        try {
          return await transport.request(asked);
        } catch (error) {
          if (!isOfContract(error)) fault = error;
          throw error;
        }
      }) as typeof transport.request;
      return { ...transport, request };
    };
    const asking = createPublicClient({ transport: noting, ccipRead: false });
    const accepted = await asking.verifyHash({ address, hash, signature });
    if (fault !== undefined) throw new Error('the node did not run the call', { cause: fault });
    return accepted;
  }
}

/** Whether a call failed inside the contract: nodes use different error numbers for it but similar words. */
function isOfContract(error: unknown): boolean {
  const answer = error instanceof BaseError ? error.walk((cause) => cause instanceof RpcRequestError) : undefined;
  if (!(answer instanceof RpcRequestError)) return false;
  return answer.code === 3 || /revert|gas|opcode|jump|stack|execution/i.test(answer.details);
}
