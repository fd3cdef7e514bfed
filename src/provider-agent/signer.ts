import { randomBytes } from 'node:crypto';
import { keccak256, toBytes, type Hex, type LocalAccount } from 'viem';
import { SigningClock } from './signing-clock.js';
import { anySpec, providerRegistrationTypedData, type ProviderRegistration } from '../wire/provider-typed-data.js';
import { responsesWord, providerHeaders } from '../wire/provider-headers.js';
import { maxDelegationS } from '../wire/node-key-delegation.js';
import type { MessageSigner } from '../wire/answer-signature.js';
import { canonicalEntry } from '../wire/entry-signature.js';

/** The `reg` and `regsig` fields of a registration: the JSON text, and the wallet's signature. */
export interface NodeKeyAuthorization {
  reg: string;
  regsig: Hex;
}

export interface AuthorizationOptions {
  providerId: string;
  /** The address of the key that stays on the machine. */
  nodeKey: string;
  /** The broker's public origin, such as `https://broker.example.com`. */
  audience: string;
  /** One of the chains that the broker accepts. */
  chainId: number;
  /** The exact text of the only registration to allow; any registration when absent. */
  data?: string;
  /** At most 90 days, which is the default. */
  validForS?: number;
  /** Unix milliseconds. */
  nowMs?: number;
}

/**
 * Signs, with the owner's wallet, that a key may speak for a provider. Nothing else needs the wallet, and it need not
 * be on the machine. The key must register within ten minutes and then replaces the provider's previous key.
 */
export async function authorizeNodeKey(
  wallet: Pick<LocalAccount, 'address' | 'signTypedData'>,
  {
    providerId,
    nodeKey,
    audience,
    chainId,
    data,
    validForS = maxDelegationS,
    nowMs = Date.now(),
  }: AuthorizationOptions,
): Promise<NodeKeyAuthorization> {
  const issuedAt = Math.floor(nowMs / 1000);
  const message: ProviderRegistration = {
    providerId,
    wallet: lower(wallet.address),
    nodeKey: lower(nodeKey),
    specHash: data === undefined ? anySpec : keccak256(toBytes(data)),
    audience,
    issuedAt,
    expiresAt: issuedAt + validForS,
    nonce: `0x${randomBytes(32).toString('hex')}`,
  };
  const regsig = await wallet.signTypedData(providerRegistrationTypedData(message, chainId));
  return { reg: JSON.stringify(message), regsig };
}

/** How a provider signs: with the wallet, with a delegation signed elsewhere, or with one the broker already has. */
export type ProviderSignerOptions = {
  /** The key on the machine. */
  nodeKey: MessageSigner;
  audience: string;
  /** Shared by everything the key signs in this process; a new clock when absent. */
  clock?: SigningClock;
  /** The time source of the new clock. Unix milliseconds. */
  now?: () => number;
} & (
  | { wallet: Pick<LocalAccount, 'address' | 'signTypedData'>; chainId: number; delegation?: never }
  | { delegation?: NodeKeyAuthorization; wallet?: never; chainId?: never }
);

/** Builds a stream entry's fields from the text of a message, which names the provider. */
export type SignEntry = (stream: string, data: string) => Promise<Record<string, string>>;

/**
 * Signs a provider's messages. With the wallet, each registration carries a new delegation; with a delegation, that
 * one; with neither, none, which works only if the broker already knows the key.
 */
export function providerSigner(options: ProviderSignerOptions): SignEntry {
  const { nodeKey, audience, clock = new SigningClock(options.now) } = options;

  return async (stream, data) => {
    const { provider_id: providerId } = JSON.parse(data) as { provider_id: string };
    const nowMs = clock.now();
    const ts = String(Math.floor(nowMs / 1000));
    const seq = clock.next();
    const sig = await nodeKey.signMessage({ message: canonicalEntry({ audience, stream, providerId, seq, ts, data }) });
    const authorization = stream === 'provider:registration' ? await authorizationFor(providerId) : undefined;
    return {
      data,
      timestamp: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
      v: '1',
      key: nodeKey.address,
      seq,
      ts,
      sig,
      ...authorization,
    };
  };

  async function authorizationFor(providerId: string): Promise<NodeKeyAuthorization | undefined> {
    if (options.wallet === undefined) return options.delegation;
    const { wallet, chainId } = options;
    const nowMs = clock.now();
    return await authorizeNodeKey(wallet, { providerId, nodeKey: nodeKey.address, audience, chainId, nowMs });
  }
}

/** Builds the headers of `GET /api/v1/providers/:id/responses`; `target` is the path with its query, as sent. */
export function responsesSigner({
  providerId,
  nodeKey,
  audience,
  clock = new SigningClock(),
}: {
  providerId: string;
  nodeKey: MessageSigner;
  audience: string;
  clock?: SigningClock;
}): (target: string) => Promise<Record<string, string>> {
  return async (target) => {
    const ts = String(Math.floor(clock.now() / 1000));
    const seq = clock.next();
    const message = canonicalEntry({ audience, stream: responsesWord, providerId, seq, ts, data: `GET ${target}` });
    return {
      [providerHeaders.key]: nodeKey.address,
      [providerHeaders.seq]: seq,
      [providerHeaders.timestamp]: ts,
      [providerHeaders.signature]: await nodeKey.signMessage({ message }),
    };
  };
}

function lower(address: string): `0x${string}` {
  return address.toLowerCase() as `0x${string}`;
}
