import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import { providerSigner } from './signer.js';
import { blockMs, createRedis, type RedisConfig } from '../redis/connection.js';
import { responseStream } from '../wire/streams.js';
import { compareClocks, streamOf, type BrokerLink, type LinkOptions } from './broker-link.js';
import type { RegistrationReply } from '../wire/join-answer.js';
import { fieldsByName } from '../wire/stream-entry.js';

/** The consumer group that the public agents use. */
const group = 'agent-group';
const consumer = 'agent-1';

type Entry = [id: string, fields: string[]];

/** A link through the broker's Redis. It uses only the few commands that the ACL of a provider allows. */
export function openRedisLink(options: LinkOptions & { url: string }): BrokerLink {
  const { url, nodeKey, delegation, clock, signal, say, trust } = options;
  const { providerId, audience } = delegation.message;
  const stream = responseStream(providerId);
  const { config, db } = serverAt(url);
  // The ready check needs INFO, which the ACL of a provider forbids.
  const overrides = { db, enableReadyCheck: false };
  const sender = createRedis(config, { blocking: false, name: `provider:${providerId}`, overrides });
  const sign = providerSigner({ nodeKey, audience, clock, delegation: delegation.authorization });
  // Blocking reads have a connection of their own, open only while answers are expected.
  let reader: Redis | undefined;
  const stopListening = () => {
    reader?.disconnect();
    reader = undefined;
  };
  const close = () => {
    sender.disconnect();
    stopListening();
  };
  signal.addEventListener('abort', close, { once: true });

  let mayAskTime = true;
  /** Over Redis, nobody reports a message rejected for its time. So each is signed with the time of Redis itself. */
  async function askTime(): Promise<void> {
    if (!mayAskTime) return;
    const wasSet = clock.isSet;
    try {
      const [seconds, micros] = await sender.time();
      clock.set(Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000));
    } catch (error) {
      if (!(error as Error).message.startsWith('NOPERM')) throw error;
      mayAskTime = false;
      say("this Redis user may not run TIME (ACL +time): this machine's clock must be right");
    }
    if (!wasSet) compareClocks(options);
  }

  /**
   * Created before a registration, the group receives every answer to it. The broker creates it too, for later answers.
   */
  async function createGroup(from: '$' | '0'): Promise<void> {
    await sender.xgroup('CREATE', stream, group, from, 'MKSTREAM').catch((error: Error) => {
      if (!error.message.startsWith('BUSYGROUP')) throw error;
    });
  }

  async function take(read: () => Promise<unknown>): Promise<RegistrationReply | undefined> {
    const answer = await read().catch(async (error: Error) => {
      if (!error.message.startsWith('NOGROUP')) throw error;
      // The stream has expired, and the group with it. Everything in a new stream was written since then.
      await createGroup('0');
      return null;
    });
    const entries = (answer as [string, Entry[]][] | null)?.[0]?.[1] ?? [];
    if (entries.length === 0) return undefined;
    await sender.xack(stream, group, ...entries.map(([id]) => id));
    // Each answer replaces the earlier ones. The stream may also contain entries from other writers.
    for (const [, fields] of entries.reverse()) {
      const { data: text = '', bsig } = fieldsByName(fields);
      if (await trust.isGenuine({ text, bsig })) return JSON.parse(text) as RegistrationReply;
    }
    return undefined;
  }

  return {
    async send(kind, message) {
      const name = streamOf(kind);
      await askTime();
      const fields = await sign(name, JSON.stringify(message));
      await sender.xadd(name, '*', ...Object.entries(fields).flat());
      if (mayAskTime) clock.took(fields['seq']!);
    },
    async listen() {
      reader ??= createRedis(config, { blocking: true, name: `provider:${providerId}:answers`, overrides });
      await createGroup('$');
      await askTime();
      trust.expectFrom(clock.now());
      await take(() => sender.xreadgroup('GROUP', group, consumer, 'COUNT', 100, 'STREAMS', stream, '>'));
    },
    async nextReply(timeoutMs) {
      for (const deadline = performance.now() + timeoutMs; ;) {
        const block = Math.ceil(Math.max(1, Math.min(blockMs, deadline - performance.now())));
        const reply = await take(() =>
          reader!.xreadgroup('GROUP', group, consumer, 'COUNT', 10, 'BLOCK', block, 'STREAMS', stream, '>'),
        );
        signal.throwIfAborted();
        if (reply !== undefined || performance.now() >= deadline) return reply;
      }
    },
    goOnFrom: (nextSeq) => clock.goOnFrom(nextSeq),
    stopListening,
    close() {
      signal.removeEventListener('abort', close);
      close();
    },
  };
}

/** Converts a URL to the settings that `createRedis` takes. */
function serverAt(url: string): { config: RedisConfig; db: number } {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  return {
    config: {
      REDIS_HOST: hostname.replace(/^\[|\]$/g, ''),
      REDIS_PORT: Number(port) || 6379,
      REDIS_USERNAME: decodeURIComponent(username) || undefined,
      REDIS_PASSWORD: decodeURIComponent(password) || undefined,
      REDIS_TLS: protocol === 'rediss:',
    },
    db: Number(pathname.slice(1)) || 0,
  };
}
