import { randomBytes } from 'node:crypto';
import { keccak256, toBytes, type Hex, type LocalAccount } from 'viem';
import { maxDelegationS } from '../auth/providers/delegation.js';
import { canonicalEntry } from '../auth/providers/entry-signature.js';
import { SigningClock } from './signing-clock.js';
import { anySpec, providerRegistrationTypedData, type ProviderRegistration } from '../wire/provider-typed-data.js';

/** What goes into `reg` and `regsig` of a registration: the JSON text, and the wallet's signature. */
export interface NodeKeyAuthorization {
  reg: string;
  regsig: Hex;
}

export interface AuthorizationOptions {
  providerId: string;
  /** Address of the key that stays on the machine. */
  nodeKey: string;
  /** The broker's public origin, such as `https://broker.example.com`. */
  audience: string;
  /** One of those that the broker accepts. */
  chainId: number;
  /** The one registration to allow, as its exact text; any when absent. */
  data?: string;
  /** At most 90 days, which is the default. */
  validForS?: number;
  /** Unix milliseconds. */
  nowMs?: number;
}

/**
 * Has the owner's wallet allow a key to speak for a provider. The wallet is needed for this alone and need not be on the
 * machine; the key takes the place of the provider's key before it as soon as it registers, which has to be within ten
 * minutes.
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

/** How a provider signs: with the wallet at hand, with what the wallet signed elsewhere, or with what the broker has. */
export type ProviderSignerOptions = {
  /** The key on the machine. */
  nodeKey: Pick<LocalAccount, 'address' | 'signMessage'>;
  audience: string;
  /** Shared by all that the key signs in this process; one of its own when absent. */
  clock?: SigningClock;
  /** Of a clock of its own. Unix milliseconds. */
  now?: () => number;
} & (
  | { wallet: Pick<LocalAccount, 'address' | 'signTypedData'>; chainId: number; delegation?: never }
  | { delegation?: NodeKeyAuthorization; wallet?: never; chainId?: never }
);

/** Makes the fields of an entry from the text of a message, which names the provider. */
export type SignEntry = (stream: string, data: string) => Promise<Record<string, string>>;

/**
 * Signs the messages of a provider. With the wallet, each registration carries a new delegation; with a delegation, that
 * one; with neither, none, for a broker that knows the key already.
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

/** The word that stands where an entry has its stream when the answers are asked for. */
export const responsesWord = 'provider:response';

export const providerHeaders = {
  key: 'x-provider-key',
  seq: 'x-provider-seq',
  timestamp: 'x-provider-timestamp',
  signature: 'x-provider-signature',
} as const;

/** Makes the headers of `GET /api/v1/providers/:id/responses`; `target` is the path with its query, as it is sent. */
export function responsesSigner({
  providerId,
  nodeKey,
  audience,
  clock = new SigningClock(),
}: {
  providerId: string;
  nodeKey: Pick<LocalAccount, 'address' | 'signMessage'>;
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
