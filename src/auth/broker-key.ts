import type { Pool } from 'pg';
import type { Address, Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Config } from '../config.js';
import { recordAudit, type AuditActor } from '../db/audit-log.js';
import { brokerKeys, keepFirstKey, replaceKey, signingKey } from '../db/broker-keys.js';
import { sharedRead } from '../db/together.js';
import type { SignReply } from '../redis/join-answers/join-answers.js';
import {
  introduce,
  isSignedBy,
  readAnswerSignature,
  signAnswer,
  toldKeys,
  writeAnswerSignature,
  type AnswerSignature,
  type Introduction,
  type MessageSigner,
} from '../wire/answer-signature.js';
import { messageSigner } from './message-signer.js';
import type { Recover } from '../wire/recover.js';

/** Each answer reads the key anew; answers that are given together read it together. */
const [knownKeys, newestKey] = [sharedRead(brokerKeys), sharedRead(signingKey)];

/** What the broker needs to sign. */
export interface BrokerKeyDeps {
  pool: Pool;
  config: Pick<Config, 'AUTH_AUDIENCE'>;
}

/**
 * Signs answers with the broker's own key, which is created on first use. The key is read each time, so after a change
 * no process signs with the old one.
 */
export function createReplySigner({ pool, config }: BrokerKeyDeps): SignReply {
  return async (providerId, data) => {
    const signer = await currentKey(pool);
    const answer = { audience: config.AUTH_AUDIENCE, providerId, ts: nowS(), data };
    return writeAnswerSignature(await signAnswer(signer, answer, (await publishedKeys(pool)).introductions));
  };
}

/** Whether an answer was signed by the current key. */
export type IsOurs = (
  providerId: string,
  data: string,
  bsig: string | undefined,
) => Promise<AnswerSignature | undefined>;

/** Tells the broker's answers from those written by others. */
export function createReplyVerifier({ pool, config, recover }: BrokerKeyDeps & { recover: Recover }): IsOurs {
  return async (providerId, data, bsig) => {
    const signature = readAnswerSignature(bsig);
    if (signature === undefined || signature.key !== (await publishedKeys(pool)).current) return undefined;
    const isSigned = await isSignedBy(recover, signature, { audience: config.AUTH_AUDIENCE, providerId, data });
    return isSigned ? signature : undefined;
  };
}

/** The broker's public keys. */
export interface PublishedKeys {
  /** The key that signs. */
  current: Address;
  since: number;
  /** The introductions that led to it, oldest first. */
  introductions: Introduction[];
}

export async function publishedKeys(pool: Pool): Promise<PublishedKeys> {
  const known = await knownKeys(pool);
  if (known.length === 0) {
    await currentKey(pool);
    return await publishedKeys(pool);
  }
  const newest = known.at(-1)!;
  const introductions = known.slice(1).map(({ address, since, introduction }, at) => ({
    ...{ key: address as Address, by: known[at]!.address as Address, since, sig: introduction as Hex },
  }));
  return { current: newest.address as Address, since: newest.since, introductions: introductions.slice(-toldKeys) };
}

/** Creates another key, which the previous one introduces and which signs from then on. @param by the operator. */
export async function rotateBrokerKey({ pool, config }: BrokerKeyDeps, by: AuditActor): Promise<PublishedKeys> {
  await currentKey(pool);
  const next = async (privateKey: Buffer) => {
    const fresh = freshKey();
    const { sig } = await introduce(signerOf(privateKey), {
      audience: config.AUTH_AUDIENCE,
      ...fresh,
      key: fresh.address,
    });
    return { ...fresh, introduction: sig };
  };
  await replaceKey(pool, next, (tx, address) =>
    recordAudit(tx, { ...by, action: 'broker_key.replace', target: address }),
  );
  return await publishedKeys(pool);
}

async function currentKey(pool: Pool): Promise<MessageSigner> {
  return signerOf(await privateBrokerKey(pool));
}

/** The private half of the key that signs, to derive other keys from; it is made on first use. */
export async function privateBrokerKey(pool: Pool): Promise<Buffer> {
  const known = await newestKey(pool);
  if (known !== undefined) return known;
  await keepFirstKey(pool, freshKey());
  return await privateBrokerKey(pool);
}

function freshKey(): { address: Address; privateKey: Buffer; since: number } {
  const secret = generatePrivateKey();
  const address = privateKeyToAccount(secret).address.toLowerCase() as Address;
  return { address, privateKey: Buffer.from(secret.slice(2), 'hex'), since: nowS() };
}

let made: { with: Buffer; signer: MessageSigner } | undefined;

/** Making a signer takes longer than a signature: it is kept for the next one. */
function signerOf(privateKey: Buffer): MessageSigner {
  if (made?.with.equals(privateKey) !== true) made = { with: privateKey, signer: messageSigner(privateKey) };
  return made.signer;
}

function nowS(): number {
  return Math.floor(Date.now() / 1_000);
}
