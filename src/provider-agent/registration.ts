import { performance } from 'node:perf_hooks';
import { newSealingKey, openReply } from '../wire/sealed-answer.js';
import type { RegistrationReply } from '../redis/join-answers/join-answers.js';
import type { BrokerLink } from './broker-link.js';
import { reasonOf, type Say } from './say.js';

/** The broker has read a registration and does not want it. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
}

/** The public agents wait as long. */
const answerTimeoutMs = 60_000;
/** Somebody has to approve the provider; until then it is registered again every so often. */
const approvalTimeoutMs = 10 * 60_000;

/** A registration and what answers it: only who made the key reads what is said about joining. */
export interface Registration {
  /**
   * Sends it and waits until it is approved.
   *
   * @param message is given the key for `enc_key`.
   * @throws Rejected, MessageRefused; any other Error is an outage.
   */
  submit(message: (encKey: string) => object): Promise<RegistrationReply>;
  /** A later answer that lets the machine join; undefined when none comes in time. */
  newer(timeoutMs: number): Promise<RegistrationReply | undefined>;
}

/** Registrations of a provider over one link. */
export function createRegistration(link: BrokerLink, providerId: string, say: Say): Registration {
  const { encKey, privateKey } = newSealingKey();

  async function nextReadable(timeoutMs: number): Promise<RegistrationReply | undefined> {
    for (const deadline = performance.now() + timeoutMs; ;) {
      const reply = await link.nextReply(Math.max(0, deadline - performance.now()));
      if (reply === undefined || !reply.success) return reply;
      // A join command that others could read, or that was meant for another run of this program, is not for us.
      if (reply.sealed === undefined) continue;
      try {
        return openReply(reply, providerId, privateKey);
      } catch (error) {
        say(`an answer of the broker cannot be read: ${reasonOf(error)}`);
      }
    }
  }

  return {
    async submit(message) {
      await link.listen();
      await link.send('registration', message(encKey));
      for (let deadline = performance.now() + answerTimeoutMs; ;) {
        const reply = await nextReadable(deadline - performance.now());
        if (reply === undefined) throw new Error('the broker has not answered in time');
        if (reply.success) return reply;
        // The next try is what the broker asks for.
        if (reply.next_seq !== undefined && link.goOnFrom(reply.next_seq)) throw new Error(reply.message);
        if (reply.status !== 'pending') throw new Rejected(reply.message ?? reply.status);
        say(`the broker says: ${reply.message ?? 'wait'}`);
        deadline = performance.now() + approvalTimeoutMs;
      }
    },
    async newer(timeoutMs) {
      const reply = await nextReadable(timeoutMs);
      return reply?.success ? reply : undefined;
    },
  };
}
