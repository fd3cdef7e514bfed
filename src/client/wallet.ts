import { domainType } from '../wire/typed-data-domain.js';
import { WorldLandError } from './errors.js';

type Hex = `0x${string}`;

/** What a wallet is asked to sign: EIP-712, with the values in the types that viem takes. */
export interface TypedData {
  domain: { name: string; version: string; chainId: number; verifyingContract: Hex };
  types: Record<string, readonly { name: string; type: string }[]>;
  primaryType: string;
  message: Record<string, unknown>;
}

/** A key in this process, such as viem's `privateKeyToAccount`, or anything else that signs. */
export interface LocalSigner {
  address: Hex;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- viem's signature is generic over every typed data
  signTypedData(typedData: any): Promise<Hex>;
}

/** A browser wallet, Frame or Clef (EIP-1193). */
export interface Eip1193Provider {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- providers type each method's parameters
  request(call: { method: any; params?: any }): Promise<unknown>;
}

/** A wallet that signs a login: a local account, viem's `WalletClient`, or an EIP-1193 provider. */
export type Signer = LocalSigner | Eip1193Provider;

/** A wallet in the form that a login needs. */
export interface Wallet {
  /** In lower case. */
  address: Hex;
  /** The chain that typed data has to name; undefined if any will do. */
  chainId: number | undefined;
  sign(typedData: TypedData): Promise<Hex>;
}

/**
 * Connects a wallet. One that signs for its active chain only is asked to change it where it is another.
 *
 * @param chainId the chain that the caller asks for.
 * @param accepted asks the broker which chains it accepts; undefined if it does not say.
 * @throws WorldLandError `wallet_rejected`, `wallet_wrong_chain`, `wallet_failed`
 */
export async function connectWallet(
  signer: Signer,
  { chainId, accepted }: { chainId?: number | undefined; accepted: () => Promise<readonly number[] | undefined> },
): Promise<Wallet> {
  const local = localOf(signer);
  if (local !== undefined) {
    const sign = (typedData: TypedData) => asked(() => local.signTypedData(typedData));
    return { address: lower(local.address), chainId, sign };
  }
  const provider = signer as Eip1193Provider;
  const accounts = await ask<Hex[]>(provider, 'eth_requestAccounts');
  const address = accounts[0];
  if (address === undefined) throw new WorldLandError('wallet_rejected', 'the wallet offers no account');
  const active = Number(await ask<string>(provider, 'eth_chainId'));
  const wanted = chainId ?? chainOf(active, await accepted());
  if (wanted !== active) await switchChain(provider, wanted);
  return {
    address: lower(address),
    chainId: wanted,
    sign: (typedData) => ask<Hex>(provider, 'eth_signTypedData_v4', [address, forProvider(typedData)]),
  };
}

/** The active chain where the broker accepts it, or does not say; else the first that it accepts. */
function chainOf(active: number, accepted: readonly number[] | undefined): number {
  return accepted === undefined || accepted.includes(active) ? active : accepted[0]!;
}

/** The account that signs in this process, if there is one: a wallet client of viem may hold it. */
function localOf(signer: Signer): LocalSigner | undefined {
  const { account } = signer as { account?: LocalSigner & { type?: string } };
  if (account?.type === 'local') return account;
  return 'request' in signer ? undefined : signer;
}

async function switchChain(provider: Eip1193Provider, chainId: number): Promise<void> {
  try {
    await ask(provider, 'wallet_switchEthereumChain', [{ chainId: `0x${chainId.toString(16)}` }]);
  } catch (error) {
    if (error instanceof WorldLandError && error.code === 'wallet_rejected') throw error;
    const detail = `the wallet is on another chain: switch it to the chain ${chainId}`;
    throw new WorldLandError('wallet_wrong_chain', detail, { data: { chain_id: chainId }, cause: error });
  }
}

async function ask<T>(provider: Eip1193Provider, method: string, params: unknown[] = []): Promise<T> {
  return (await asked(() => provider.request({ method, params }))) as T;
}

/** EIP-1193: the person said no. */
const userRejected = 4001;

async function asked<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, message, cause } = error as { code?: unknown; message?: string; cause?: { code?: unknown } };
    if (code === userRejected || cause?.code === userRejected)
      throw new WorldLandError('wallet_rejected', 'the wallet was asked, and said no', { cause: error });
    throw new WorldLandError('wallet_failed', (message ?? 'the wallet did not sign').slice(0, 300), { cause: error });
  }
}

/** As JSON: integers as decimal strings, and with the type of the domain, which some wallets need. */
function forProvider({ domain, types, primaryType, message }: TypedData): string {
  return JSON.stringify({ types: { EIP712Domain: domainType, ...types }, primaryType, domain, message }, (_, value) =>
    typeof value === 'bigint' ? value.toString() : (value as unknown),
  );
}

function lower(address: string): Hex {
  return address.toLowerCase() as Hex;
}
