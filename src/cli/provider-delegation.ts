import { connectWallet } from '../client/wallet.js';
import { maxDelegationS } from '../wire/node-key-delegation.js';
import { anySpec, providerRegistrationTypedData, type ProviderRegistration } from '../wire/provider-typed-data.js';
import type { Context } from './context.js';
import { usage } from './failure.js';
import { signInBrowser } from './wallets/by-browser.js';
import { walletKind } from './wallets/signer.js';

export interface DelegationFlags {
  nodeKey: string;
  for?: number;
  chainId?: number;
  browser?: boolean;
  wallet?: string;
}

export interface SignedDelegation {
  wallet: string;
  message: ProviderRegistration;
  signature: string;
  /** As the API takes it. */
  delegation: { reg: string; regsig: string };
}

/** Has the owner's wallet sign that the key of a machine may speak for it. */
export async function signDelegation(
  context: Context,
  providerId: string,
  flags: DelegationFlags,
): Promise<SignedDelegation> {
  if (!/^0x[0-9a-fA-F]{40}$/.test(flags.nodeKey)) throw usage('--node-key must be an address: 0x and 40 hex digits');
  const validForS = flags.for ?? maxDelegationS;
  if (validForS > maxDelegationS) throw usage('--for: 90d at most', 'after that, the owner signs again');
  const site = await context.site();
  const nodeKey = flags.nodeKey.toLowerCase() as `0x${string}`;
  const kind = walletKind(flags.wallet, context.env);
  const chain = flags.chainId === undefined ? {} : { chainId: flags.chainId };
  const fixed = { providerId, nodeKey, specHash: anySpec, audience: site.audience };
  if (kind === 'browser') {
    const request = { kind: 'provider', providerId, nodeKey, validForS, ...chain } as const;
    const answer = await signInBrowser(context, request, { isBrowserWanted: flags.browser !== false });
    const { wallet, issuedAt, expiresAt, nonce, signature } = answer;
    return signed({ ...fixed, wallet, issuedAt, expiresAt, nonce }, signature);
  }
  const accepted = site.auth.chain_ids;
  const wallet = await connectWallet(await kind.signer(), { ...chain, accepted: async () => accepted });
  const chainId = wallet.chainId ?? accepted[0];
  if (chainId === undefined) throw usage('this broker does not say which chain to sign for', '--chain-id N');
  const issuedAt = Math.floor(Date.now() / 1000);
  const nonce = `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}` as const;
  const message = { ...fixed, wallet: wallet.address, issuedAt, expiresAt: issuedAt + validForS, nonce };
  return signed(message, await wallet.sign(providerRegistrationTypedData(message, chainId)));
}

/** The members in the order in which the agent writes them: the text of `reg` is kept as it is. */
function signed(message: ProviderRegistration, signature: string): SignedDelegation {
  const { providerId, wallet, nodeKey, specHash, audience, issuedAt, expiresAt, nonce } = message;
  const reg = JSON.stringify({ providerId, wallet, nodeKey, specHash, audience, issuedAt, expiresAt, nonce });
  return { wallet, message, signature, delegation: { reg, regsig: signature } };
}
