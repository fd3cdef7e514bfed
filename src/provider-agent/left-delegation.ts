import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAccount } from 'viem';
import { RejectedByBroker, type LinkOptions } from './broker-link.js';
import { usableDelegation, type Delegation, type ExpectedDelegation } from './delegation.js';
import { createHttpsCaller } from './https-caller.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { responsesSigner } from './signer.js';
import { providerHeaders } from '../wire/provider-headers.js';

/** Behind every answer that there is: those are for the link, which has verified them. */
const afterAllAnswers = '9999999999999999999-0';

export interface MailboxOptions extends Pick<LinkOptions, 'clock' | 'signal' | 'say'> {
  nodeKey: LocalAccount;
  /** The broker's origin, followed by the path prefix that a proxy strips, if any. */
  api: string;
  /** The broker's public origin. */
  audience: string;
}

/** Where the broker keeps what the owner signed for this machine. */
export interface Mailbox {
  /**
   * Asks for a delegation that this machine can use.
   *
   * @returns a sentence for the owner when there are some that it cannot use; undefined when there is none.
   * @throws when the broker cannot be asked.
   */
  fetch(expected: ExpectedDelegation & { providerId: string }): Promise<Delegation | string | undefined>;
}

export function createMailbox({ nodeKey, api, audience, clock, signal, say }: MailboxOptions): Mailbox {
  const { prefix, ask, corrected } = createHttpsCaller({ api, clock, signal, say });

  async function left(providerId: string): Promise<unknown[]> {
    const sign = responsesSigner({ providerId, nodeKey, audience, clock });
    const target = `${prefix}/api/v1/providers/${providerId}/responses?after=${afterAllAnswers}`;
    try {
      const answer = await corrected(async () => {
        const headers = await sign(target);
        const body = await ask('GET', target, headers);
        clock.took(headers[providerHeaders.seq]!);
        return body;
      });
      const { delegations } = answer as { delegations?: unknown };
      return Array.isArray(delegations) ? (delegations as unknown[]) : [];
    } catch (error) {
      // The broker knows the provider by another key, or this one's time is over, and nothing waits for it.
      const waits = error instanceof RejectedByBroker && /^(?:key_unknown|delegation_expired)$/.test(error.reason);
      if (!waits) throw error;
      return [];
    }
  }

  return {
    async fetch(expected) {
      const read = (await left(expected.providerId)).map((value) =>
        usableDelegation(value, { ...expected, nowMs: clock.now() }, 'what waits at the broker'),
      );
      const usable = read.filter((one): one is Delegation => typeof one !== 'string');
      const wallets = [...new Set(usable.map(({ message }) => message.wallet))];
      if (wallets.length > 1) {
        // Somebody else has seen the address of this key. Whose machine it is, only its administrator can say.
        return `${wallets.length} wallets have signed for this machine (${wallets.join(', ')}): --owner says which is yours`;
      }
      const newest = usable.sort((a, b) => b.message.issuedAt - a.message.issuedAt)[0];
      return newest ?? read.find((one) => typeof one === 'string');
    },
  };
}

/** Several times within the ten minutes in which a delegation has to be used. */
const renewalCheckMs = 120_000;

/**
 * Looks now and then whether the owner has signed anew, until `signal`. Failures are not told: the link to the broker has
 * the same ones.
 *
 * @param keep stores a newer delegation of the same wallet, where the agent finds it.
 */
export async function watchForRenewal(
  mailbox: Mailbox,
  known: Delegation,
  {
    nodeKey,
    keep,
    signal,
    everyMs = renewalCheckMs,
  }: {
    nodeKey: string;
    keep: (renewed: Delegation) => void;
    signal: AbortSignal;
    everyMs?: number;
  },
): Promise<void> {
  let { issuedAt } = known.message;
  const { providerId, wallet: owner } = known.message;
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const found = await mailbox.fetch({ nodeKey, providerId, owner }).catch(() => undefined);
    if (found === undefined || typeof found === 'string' || found.message.issuedAt <= issuedAt) continue;
    issuedAt = found.message.issuedAt;
    keep(found);
  }
}

/** From often to seldom: an owner signs within a minute, or tomorrow. */
const [firstPollMs, slowestPollMs] = [2_000, 15_000] as const;

/** What the agent waits with until its owner has signed. */
export interface Waiting {
  /** The delegation in the agent's file, or a sentence about it. */
  read: () => Delegation | string;
  /** Absent where the broker cannot be asked safely. */
  mailbox: Mailbox | undefined;
  expected: ExpectedDelegation;
  keep: (found: Delegation) => void;
  /** What the owner has to do. */
  request: (problem: string) => string;
  signal: AbortSignal;
  say: Say;
}

/** Waits for the owner to authorize this machine's key, and says how to do that. */
export async function awaitDelegation(waiting: Waiting): Promise<Delegation> {
  const { read, mailbox, expected, keep, request, signal } = waiting;
  const asking = createOnce(waiting.say);
  const trouble = createOnce(waiting.say);
  for (let pollMs = firstPollMs as number; ; pollMs = Math.min(pollMs * 1.1, slowestPollMs)) {
    const found = read();
    if (typeof found !== 'string') return found;
    asking.once(request(found));
    const { providerId } = expected;
    if (mailbox !== undefined && providerId !== undefined) {
      try {
        const fetched = await mailbox.fetch({ ...expected, providerId });
        trouble.over('the broker answers again');
        if (typeof fetched === 'string') trouble.once(fetched);
        else if (fetched !== undefined) {
          keep(fetched);
          return fetched;
        }
      } catch (error) {
        signal.throwIfAborted();
        trouble.once(`the broker cannot be asked for the owner's signature: ${reasonOf(error)}`);
      }
    }
    await sleep(mailbox === undefined ? firstPollMs : pollMs, undefined, { signal });
  }
}
