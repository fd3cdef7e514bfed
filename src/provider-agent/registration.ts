import { performance } from 'node:perf_hooks';
import { newSealingKey, openReply } from '../wire/sealed-answer.js';
import type { BrokerLink } from './broker-link.js';
import { reasonOf, type Say } from './say.js';
import type { RegistrationReply } from '../wire/join-answer.js';

/** The broker has read a registration and rejected it. */
export class RegistrationRejected extends Error {
  override readonly name = 'RegistrationRejected';
}

/** The public agents wait this long too. */
const answerTimeoutMs = 60_000;
/** How long to wait for an operator's approval before registering again. */
const approvalTimeoutMs = 10 * 60_000;

/** A registration and its answers. Join commands are sealed for a key that only this process has. */
export interface Registration {
  /**
   * Sends the registration and waits until it is approved.
   *
   * @param message builds the registration from the key for `enc_key`.
   * @throws RegistrationRejected, RejectedByBroker; any other Error is an outage.
   */
  submit(message: (encKey: string) => object): Promise<RegistrationReply>;
  /** The next answer with a join command; undefined when none comes in time. */
  newer(timeoutMs: number): Promise<RegistrationReply | undefined>;
}

/** Registrations of a provider over one link. */
export function createRegistration(link: BrokerLink, providerId: string, say: Say): Registration {
  const { encKey, privateKey } = newSealingKey();

  async function nextReadable(timeoutMs: number): Promise<RegistrationReply | undefined> {
    for (const deadline = performance.now() + timeoutMs; ;) {
      const reply = await link.nextReply(Math.max(0, deadline - performance.now()));
      if (reply === undefined || !reply.success) return reply;
      // Ignore a join command that is not sealed: others could have read it, or it is for another run of this program.
      if (reply.sealed === undefined) continue;
      try {
        return openReply(reply, providerId, privateKey);
      } catch (error) {
        say(`an answer from the broker cannot be decrypted: ${reasonOf(error)}`);
      }
    }
  }

  return {
    async submit(message) {
      await link.listen();
      await link.send('registration', message(encKey));
      for (let deadline = performance.now() + answerTimeoutMs; ;) {
        const reply = await nextReadable(deadline - performance.now());
        if (reply === undefined) throw new Error('the broker did not answer in time');
        if (reply.success) return reply;
        // The broker asks for a retry with this number.
        if (reply.next_seq !== undefined && link.goOnFrom(reply.next_seq)) throw new Error(reply.message);
        if (reply.status !== 'pending') throw new RegistrationRejected(reply.message ?? reply.status);
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
