import { createHash } from 'node:crypto';
import { hashMessage, type Address, type Hex, type LocalAccount } from 'viem';
import { z } from 'zod';
import type { Recover } from './recover.js';
import { address, unixSeconds } from './shapes.js';

/** A key of the broker is introduced by the key before it: a reader that trusts the older key needs no other proof. */
export interface Introduction {
  key: Address;
  by: Address;
  /** Unix seconds. */
  since: number;
  sig: Hex;
}

/** The signature of one of the broker's answers: by which key, when, and how that key became the broker's. */
export interface AnswerSignature {
  key: Address;
  /** Unix seconds. */
  ts: number;
  sig: Hex;
  /** The chain of introductions, oldest first. */
  keys: Introduction[];
}

/** What a key of the broker signs about an answer: all of these fields. */
export interface SignedAnswer {
  audience: string;
  providerId: string;
  ts: number;
  /** The exact JSON text of the answer. */
  data: string;
}

/** The signed text (EIP-191), one item per line. */
function canonicalAnswer({ audience, providerId, ts, data }: SignedAnswer): string {
  const dataSha256 = createHash('sha256').update(data, 'utf8').digest('hex');
  return ['WORLDLAND-BROKER-V1', audience, providerId, String(ts), dataSha256].join('\n');
}

function canonicalIntroduction({ audience, key, since }: { audience: string; key: string; since: number }): string {
  return ['WORLDLAND-BROKER-KEY-V1', audience, key, String(since)].join('\n');
}

/** Signs texts as wallets do (EIP-191). */
export type MessageSigner = Pick<LocalAccount, 'address' | 'signMessage'>;

export async function signAnswer(
  signer: MessageSigner,
  answer: SignedAnswer,
  keys: readonly Introduction[] = [],
): Promise<AnswerSignature> {
  const sig = await signer.signMessage({ message: canonicalAnswer(answer) });
  return { key: lower(signer.address), ts: answer.ts, sig, keys: [...keys] };
}

/** Signs, with one key, that another key takes its place. */
export async function introduce(
  signer: MessageSigner,
  { audience, key, since }: { audience: string; key: Address; since: number },
): Promise<Introduction> {
  const sig = await signer.signMessage({ message: canonicalIntroduction({ audience, key, since }) });
  return { key, by: lower(signer.address), since, sig };
}

/**
 * How many introductions an answer carries; an agent that was away for longer has to be told anew which key to trust.
 */
export const toldKeys = 8;

const signature = z.string().regex(/^0x[0-9a-fA-F]{130}$/) as unknown as z.ZodType<Hex>;
const introduction = z.object({ key: address, by: address, since: unixSeconds, sig: signature });
export const introductions = z.array(introduction).max(toldKeys);
const answerSignature = z.object({
  v: z.literal(1),
  key: address,
  ts: unixSeconds,
  sig: signature,
  keys: introductions,
});

/** Formats the field `bsig`. */
export function writeAnswerSignature({ key, ts, sig, keys }: AnswerSignature): string {
  return JSON.stringify({ v: 1, key, ts, sig, keys });
}

const maxSignatureLength = 8_192;

/** Parses the field `bsig`; undefined if it is malformed. */
export function readAnswerSignature(text: string | undefined): AnswerSignature | undefined {
  if (text === undefined || text.length > maxSignatureLength) return undefined;
  try {
    return answerSignature.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether the key that a signature names made it; the caller decides whose key that is. */
export async function isSignedBy(
  recover: Recover,
  { key, ts, sig }: AnswerSignature,
  answer: Omit<SignedAnswer, 'ts'>,
): Promise<boolean> {
  return (await recover(hashMessage(canonicalAnswer({ ...answer, ts })), sig)) === key;
}

/**
 * The keys that follow from a trusted one, itself first: each was introduced by the key before it.
 *
 * @param told in any order; introductions that do not lead on from the trusted key are ignored.
 */
export async function successorsOf(
  recover: Recover,
  trusted: Address,
  told: readonly Introduction[],
  audience: string,
): Promise<Address[]> {
  const keys: Address[] = [trusted];
  for (;;) {
    const next = told.find(({ by, key }) => by === keys.at(-1) && !keys.includes(key));
    if (next === undefined) return keys;
    const digest = hashMessage(canonicalIntroduction({ audience, key: next.key, since: next.since }));
    if ((await recover(digest, next.sig)) !== next.by) return keys;
    keys.push(next.key);
  }
}

function lower(text: string): Address {
  return text.toLowerCase() as Address;
}
