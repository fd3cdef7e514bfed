import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { providerSigner, responsesSigner } from './signer.js';
import { RejectedByBroker, streamOf, type BrokerLink, type LinkOptions } from './broker-link.js';
import { createHttpsCaller } from './https-caller.js';
import { providerHeaders } from '../wire/provider-headers.js';
import type { RegistrationReply } from '../wire/join-answer.js';

/** Interval between polls for an answer: short right after a registration, longer while the answer is slow to come. */
const [firstPollMs, slowestPollMs] = [500, 10_000] as const;

/**
 * A link over the broker's HTTPS API.
 *
 * @param api the broker's origin, followed by the path prefix that a proxy strips, if any.
 */
export function openHttpsLink(options: LinkOptions & { api: string }): BrokerLink {
  const { nodeKey, delegation, clock, signal, trust } = options;
  const { prefix, ask, corrected, askTime } = createHttpsCaller(options);
  const { providerId, audience } = delegation.message;
  const signEntry = providerSigner({ nodeKey, audience, clock, delegation: delegation.authorization });
  const signPoll = responsesSigner({ providerId, nodeKey, audience, clock });
  let after = '0';
  let pollMs: number = firstPollMs;

  /** The broker's answers since the last poll. */
  async function poll(): Promise<RegistrationReply[]> {
    const target = `${prefix}/api/v1/providers/${providerId}/responses?after=${after}`;
    const body = await corrected(async () => {
      const headers = await signPoll(target);
      const answer = await ask('GET', target, headers);
      clock.took(headers[providerHeaders.seq]!);
      return answer;
    });
    const { responses } = body as { responses: { id: string; text?: string; bsig?: string }[] };
    after = responses.at(-1)?.id ?? after;
    const genuine: RegistrationReply[] = [];
    for (const { text = '', bsig } of responses)
      if (await trust.isGenuine({ text, bsig })) genuine.push(JSON.parse(text) as RegistrationReply);
    return genuine;
  }

  return {
    async send(kind, message) {
      const stream = streamOf(kind);
      const data = JSON.stringify(message);
      await corrected(async () => {
        const fields = await signEntry(stream, data);
        await ask('POST', `${prefix}/api/v1/providers/messages`, {}, { stream, ...fields });
        clock.took(fields['seq']!);
      });
    },
    async listen() {
      pollMs = firstPollMs;
      await askTime();
      trust.expectFrom(clock.now());
      await poll().catch((error: unknown) => {
        // Until this key has registered, the broker may know the provider by another one.
        if (!(error instanceof RejectedByBroker)) throw error;
      });
    },
    async nextReply(timeoutMs) {
      for (const deadline = performance.now() + timeoutMs; ;) {
        const responses = await poll();
        // Each answer replaces the earlier ones.
        const newest = responses.at(-1);
        if (newest !== undefined) return newest;
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return undefined;
        await sleep(Math.min(pollMs, leftMs), undefined, { signal });
        pollMs = Math.min(pollMs * 1.5, slowestPollMs);
      }
    },
    goOnFrom: (nextSeq) => clock.goOnFrom(nextSeq),
    stopListening: () => undefined,
    close: () => undefined,
  };
}
