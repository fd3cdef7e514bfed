import { existsSync, readFileSync } from 'node:fs';
import type { Address } from 'viem';
import { z } from 'zod';
import {
  introductions,
  isSignedBy,
  readAnswerSignature,
  successorsOf,
  type Introduction,
} from '../wire/answer-signature.js';
import { createRecover } from '../auth/recover.js';
import { address } from '../auth/shapes.js';
import { arrivalSkewS } from '../domain/message-number.js';
import { reasonOf, type Say } from './say.js';
import { writeWhole } from './state.js';

/** An answer as it came: its exact text, and the field `bsig` beside it. */
export interface Answer {
  text: string;
  bsig: string | undefined;
}

/** Tells the broker's answers from others'. Whoever gives a machine a join command becomes its root. */
export interface Trust {
  /** From here on only answers count that were signed since. Unix milliseconds, by the broker's clock. */
  expectFrom(nowMs: number): void;
  /** What is not the broker's is said and then left out. */
  isGenuine(answer: Answer): Promise<boolean>;
}

export interface TrustOptions {
  providerId: string;
  /** The broker's public origin: keys are kept for each broker. */
  audience: string;
  /** The file with the keys that were trusted. */
  file: string;
  /** What came beside the owner's delegation. */
  fromOwner?: Address | undefined;
  /** Asks the broker itself for its keys; only where nobody can stand in between. */
  ask?: (() => Promise<BrokerKeys>) | undefined;
  say: Say;
}

/** Keys of a broker as its `GET /api/v1/site` has them. */
export interface BrokerKeys {
  key: Address;
  introductions: Introduction[];
}

const kept = z.object({ key: address, replaced: z.array(address).default([]) });
const keptFile = z.record(z.string(), kept);

/** The key of a broker that was trusted, and those before it, which are not any more. */
export function readTrusted(file: string, audience: string): z.output<typeof kept> | undefined {
  return readFile(file)[audience];
}

/** Trusts this key of the broker from here on, and none before it. */
export function keepTrusted(file: string, audience: string, key: Address): void {
  const all = readFile(file);
  const before = all[audience];
  const replaced = before === undefined || before.key === key ? [] : [before.key];
  all[audience] = { key, replaced: [...(before?.replaced ?? []), ...replaced].filter((one) => one !== key) };
  writeWhole(file, `${JSON.stringify(all, null, 2)}\n`);
}

function readFile(file: string): z.output<typeof keptFile> {
  if (!existsSync(file)) return {};
  try {
    return keptFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file} holds no keys of brokers: \`provider-agent trust\` makes it anew once it is removed`, {
      cause: error,
    });
  }
}

/**
 * Verifies answers. A key is trusted that was before, that the owner named, or that the broker itself names where nobody
 * can stand in between, the first time; and whatever key such a one has introduced.
 */
export function createTrust({ providerId, audience, file, fromOwner, ask, say }: TrustOptions): Trust {
  const recover = createRecover();
  let sinceS = 0;
  let lastSaid: string | undefined;

  /** Why an answer is not the broker's, as a sentence; undefined when it is. */
  async function problemOf({ text, bsig }: Answer): Promise<string | undefined> {
    const signature = readAnswerSignature(bsig);
    if (signature === undefined) return 'an answer is not signed by the broker';
    if (signature.ts < sinceS) return 'an answer is older than the message that it is to answer';
    if (!(await isSignedBy(recover, signature, { audience, providerId, data: text })))
      return 'the signature of an answer does not fit';
    return await problemOfKey(signature.key, signature.keys);
  }

  async function problemOfKey(key: Address, told: readonly Introduction[]): Promise<string | undefined> {
    const known = readTrusted(file, audience);
    if (known?.key === key) return undefined;
    if (known?.replaced.includes(key)) return `an answer is signed by ${key}, which another key took the place of`;
    const trusted = [known?.key, known === undefined ? fromOwner : undefined].filter((one) => one !== undefined);
    if (trusted.length === 0) return await pin(key);
    for (const one of trusted) {
      const following = await successorsOf(recover, one, told, audience);
      if (!following.includes(key)) continue;
      for (const next of following.slice(0, following.indexOf(key) + 1)) keepTrusted(file, audience, next);
      if (key !== one) say(`the broker signs by another key now, which the one before it introduced: ${key}`);
      return undefined;
    }
    return `an answer is signed by ${key}, which is not the broker's key ${trusted[0]}; if it has lost that one: \`provider-agent trust\``;
  }

  async function pin(key: Address): Promise<string | undefined> {
    if (ask === undefined)
      return 'no key of the broker is known here, and none can be asked for: `provider-agent trust` names one';
    const keys = await ask();
    if (keys.key !== key) return `an answer is signed by ${key}, and the broker says that its key is ${keys.key}`;
    keepTrusted(file, audience, key);
    say(`the broker signs its answers by ${key}; no other key is believed from here on`);
    return undefined;
  }

  return {
    expectFrom(nowMs) {
      sinceS = Math.floor(nowMs / 1_000) - arrivalSkewS;
    },
    async isGenuine(answer) {
      const problem = await problemOf(answer);
      // Whoever can write there may do so in a loop.
      if (problem !== undefined && problem !== lastSaid) say(`${problem}: it is not listened to`);
      lastSaid = problem;
      return problem === undefined;
    },
  };
}

const siteReply = z.object({ broker_keys: z.object({ key: address, introductions }) });
const requestTimeoutMs = 20_000;

/**
 * Asks a broker for its keys.
 *
 * @param broker its origin, with the path that a proxy takes off, if any.
 * @throws Error when it does not answer, or something else does.
 */
export async function askForKeys(broker: string, signal?: AbortSignal): Promise<BrokerKeys> {
  const timeout = AbortSignal.timeout(requestTimeoutMs);
  const response = await fetch(`${broker}/api/v1/site`, {
    redirect: 'error',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  });
  if (!response.ok) throw new Error(`the broker answered ${response.status} when it was asked for its keys`);
  const read = siteReply.safeParse(await response.json());
  if (!read.success) throw new Error('the broker did not name its keys');
  return read.data.broker_keys;
}

/** Whether what comes from a URL comes from who it names: over TLS, or from this very machine. */
export function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || protocol === 'rediss:' || /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}

/** The key to write beside a delegation; undefined, with the reason said, where it cannot be had. */
export async function keyForOwner(broker: string | undefined, say: Say): Promise<Address | undefined> {
  if (broker === undefined || !isPrivate(broker)) return undefined;
  try {
    return (await askForKeys(broker)).key;
  } catch (error) {
    say(`the key of the broker is not written beside the signature: ${reasonOf(error)}`);
    return undefined;
  }
}
