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
import { reasonOf, type Say } from './say.js';
import { writeWhole } from './state.js';
import { address } from '../wire/shapes.js';
import { arrivalSkewS } from '../wire/message-number.js';

/** An answer as received: its exact text, and its `bsig` field. */
export interface Answer {
  text: string;
  bsig: string | undefined;
}

/** Tells the broker's answers from forged ones. Anyone whose join command a machine runs becomes root on it. */
export interface Trust {
  /** Accepts only answers signed from now on. Unix milliseconds by the broker's clock. */
  expectFrom(nowMs: number): void;
  /** True for the broker's own answers; any other is reported to the owner and must be ignored. */
  isGenuine(answer: Answer): Promise<boolean>;
}

export interface TrustOptions {
  providerId: string;
  /** The broker's public origin. Trusted keys are stored per broker. */
  audience: string;
  /** The file with the trusted keys. */
  file: string;
  /** The broker's key from the owner's delegation file. */
  fromOwner?: Address | undefined;
  /** Asks the broker for its keys; only over a connection safe from a man in the middle. */
  ask?: (() => Promise<BrokerKeys>) | undefined;
  say: Say;
}

/** A broker's keys as its `GET /api/v1/site` returns them. */
export interface BrokerKeys {
  key: Address;
  introductions: Introduction[];
}

const kept = z.object({ key: address, replaced: z.array(address).default([]) });
const keptFile = z.record(z.string(), kept);

/** The broker's trusted key, and the earlier keys, which are no longer trusted. */
export function readTrusted(file: string, audience: string): z.output<typeof kept> | undefined {
  return readFile(file)[audience];
}

/** Trusts this key of the broker from now on, and no earlier one. */
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
    throw new Error(`${file} does not contain broker keys: remove it and run \`provider-agent trust\``, {
      cause: error,
    });
  }
}

/**
 * Verifies answers. It trusts the stored key; without one, the key that the owner named, or else the key that the
 * broker itself names over a safe connection. It also trusts every key that a trusted key has introduced.
 */
export function createTrust({ providerId, audience, file, fromOwner, ask, say }: TrustOptions): Trust {
  const recover = createRecover();
  let sinceS = 0;
  let lastSaid: string | undefined;

  /** Why an answer is not the broker's, as a sentence; undefined when it is genuine. */
  async function problemOf({ text, bsig }: Answer): Promise<string | undefined> {
    const signature = readAnswerSignature(bsig);
    if (signature === undefined) return 'an answer is not signed by the broker';
    if (signature.ts < sinceS) return 'an answer is older than the message it should answer';
    if (!(await isSignedBy(recover, signature, { audience, providerId, data: text })))
      return 'an answer has an invalid signature';
    return await problemOfKey(signature.key, signature.keys);
  }

  async function problemOfKey(key: Address, told: readonly Introduction[]): Promise<string | undefined> {
    const known = readTrusted(file, audience);
    if (known?.key === key) return undefined;
    if (known?.replaced.includes(key)) return `an answer is signed by ${key}, which another key has replaced`;
    const trusted = [known?.key, known === undefined ? fromOwner : undefined].filter((one) => one !== undefined);
    if (trusted.length === 0) return await pin(key);
    for (const one of trusted) {
      const following = await successorsOf(recover, one, told, audience);
      if (!following.includes(key)) continue;
      for (const next of following.slice(0, following.indexOf(key) + 1)) keepTrusted(file, audience, next);
      if (key !== one) say(`the broker now signs with another key, which its previous key introduced: ${key}`);
      return undefined;
    }
    return `an answer is signed by ${key}, not by the broker's key ${trusted[0]} (if the broker has lost that key, run \`provider-agent trust\`)`;
  }

  async function pin(key: Address): Promise<string | undefined> {
    if (ask === undefined)
      return "the broker's key is not known here and the broker cannot be asked for it (`provider-agent trust` sets it)";
    const keys = await ask();
    if (keys.key !== key) return `an answer is signed by ${key}, but the broker says that its key is ${keys.key}`;
    keepTrusted(file, audience, key);
    say(`the broker signs its answers with ${key}; no other key is trusted from now on`);
    return undefined;
  }

  return {
    expectFrom(nowMs) {
      sinceS = Math.floor(nowMs / 1_000) - arrivalSkewS;
    },
    async isGenuine(answer) {
      const problem = await problemOf(answer);
      // A forger may write in a loop: report each problem once.
      if (problem !== undefined && problem !== lastSaid) say(`${problem}: the answer is ignored`);
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
 * @param broker its origin, followed by the path prefix that a proxy strips, if any.
 * @throws Error when nothing answers, or something other than the broker does.
 */
export async function askForKeys(broker: string, signal?: AbortSignal): Promise<BrokerKeys> {
  const timeout = AbortSignal.timeout(requestTimeoutMs);
  const response = await fetch(`${broker}/api/v1/site`, {
    redirect: 'error',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  });
  if (!response.ok) throw new Error(`the broker answered ${response.status} when asked for its keys`);
  const read = siteReply.safeParse(await response.json());
  if (!read.success) throw new Error('the broker did not name its keys');
  return read.data.broker_keys;
}

/** Whether a connection to a URL is safe from a man in the middle: it uses TLS, or stays on this machine. */
export function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || protocol === 'rediss:' || /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}

/**
 * The broker's key to write beside a delegation; undefined, with the reason printed, when the broker does not give it.
 */
export async function keyForOwner(broker: string | undefined, say: Say): Promise<Address | undefined> {
  if (broker === undefined || !isPrivate(broker)) return undefined;
  try {
    return (await askForKeys(broker)).key;
  } catch (error) {
    say(`the broker's key is not written beside the signature: ${reasonOf(error)}`);
    return undefined;
  }
}
