import { keccak256 } from 'viem';
import { BrokerError } from '../../domain/errors.js';
import type { Queryable } from '../../db/pool.js';
import { wasProven } from '../../db/provider-binding.js';
import { ChainAway } from '../../domain/provider-verdict.js';
import type { VerifyContractWallet } from '../customers/smart-wallet.js';

/**
 * How long an answer of the chain is good for. An agent repeats a registration every few seconds while it is rejected,
 * and a message over HTTPS is checked when it arrives and again when it is read.
 */
const rememberedMs = 30_000;
const maxRemembered = 1_000;

interface ContractOwnerOptions {
  /** Unix milliseconds. */
  now?: () => number;
  /** How many questions may be under way; more are put off (`ChainAway`) instead of waiting in a queue. */
  maxUnderWay?: number;
}

/** The dependency of those who check owners; nothing where contract wallets are not let in. */
export function contractOwners(
  pool: Queryable,
  verify: VerifyContractWallet | undefined,
  options: ContractOwnerOptions = {},
): { verifyContractWallet?: VerifyContractWallet } {
  return verify === undefined ? {} : { verifyContractWallet: createContractOwners(pool, verify, options) };
}

/**
 * Asks contracts whether they own a provider, as logins do, but the same question once in a while only. A delegation that
 * binds a provider is not asked about again at all, so that its machine can register while the chain is away.
 *
 * @throws ChainAway while the chain cannot be asked: that is no refusal. BrokerError `rate_limited` when too many wait.
 */
function createContractOwners(
  pool: Queryable,
  verify: VerifyContractWallet,
  { now = Date.now, maxUnderWay = Infinity }: ContractOwnerOptions = {},
): VerifyContractWallet {
  let underWay = 0;
  const remembered = new Map<string, { answer: Promise<boolean>; untilMs: number }>();

  return async (wallet, digest, signature, chainId) => {
    const question = `${chainId} ${wallet} ${digest} ${keccak256(signature)}`;
    const before = remembered.get(question);
    if (before !== undefined && before.untilMs > now()) return await before.answer;
    if (await wasProven(pool, { wallet, digest, signature })) return true;
    if (underWay >= maxUnderWay) throw new ChainAway(new Error('it is asked about too many wallets'));
    underWay++;
    const answer = ask(wallet, digest, signature, chainId).finally(() => underWay--);
    const entry = { answer, untilMs: now() + rememberedMs };
    remembered.delete(question);
    remembered.set(question, entry);
    for (const [oldest] of remembered) {
      if (remembered.size <= maxRemembered) break;
      remembered.delete(oldest);
    }
    try {
      return await answer;
    } catch (error) {
      if (remembered.get(question) === entry) remembered.delete(question);
      throw error;
    }
  };

  async function ask(...question: Parameters<VerifyContractWallet>): Promise<boolean> {
    try {
      return await verify(...question);
    } catch (error) {
      throw error instanceof BrokerError && error.code === 'auth_backend_unavailable' ? new ChainAway(error) : error;
    }
  }
}
