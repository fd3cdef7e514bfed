import { memoryStore, type Scope, type StoredSession } from '../../src/client/index.js';
import type { MintedToken } from '../../src/client/shapes.js';
import type { TypedData } from '../../src/client/wallet.js';
import { domainType } from '../../src/wire/typed-data-domain.js';
import { connectLazily, type Broker } from '../live/client.js';
import { api, endSessionOf, nowMs, operator, site, takeLogin, watchedFetch } from '../live/index.js';
import { browserScopes, browserSession, labelOf } from './browser-session.js';
import { chainOf, connect as accountOf, sign, switchChain, WalletRefusal, type Wallet } from './wallets.js';

const operatorScopes: readonly Scope[] = ['admin', ...browserScopes];
/** A working day. Longer sessions from forgotten tabs would use up the ten that a wallet may have. */
const longestS = 8 * 3600;

export interface Asked {
  /** In tokens: `25`. */
  limit: string;
  /** Tells the person what their wallet waits for. */
  say(text: string): void;
  /** Aborted: nobody waits any more. What the wallet signs then is not used, and a session that it opened is ended. */
  signal: AbortSignal;
}

/** How long a login of this console lives, as far as the broker lets it. */
export function loginSeconds(): number {
  const auth = site.value?.auth;
  return Math.min(longestS, auth?.session_ttl_max_s ?? longestS, auth?.token_ttl_max_s ?? longestS);
}

/**
 * Logs in for this tab: the wallet signs once, a token is made, and the session's key is forgotten before anything is
 * stored.
 *
 * @throws WalletRefusal, WorldLandError
 */
export async function logIn(wallet: Wallet, asked: Asked): Promise<void> {
  const { client, opened } = await openSession(wallet, browserScopes, asked);
  const minted = await tokenOf(client);
  requireWanted(client, asked.signal);
  await takeLogin(browserSession(opened(), minted, nowMs()));
}

/**
 * Logs in as an operator, whose every request is signed by a key that only this page's memory has.
 *
 * @param isFirst nobody is logged in yet: the same signature serves for the rest of the console, too.
 */
export async function logInAsOperator(
  wallet: Wallet,
  { isFirst, ...asked }: Omit<Asked, 'limit'> & { isFirst: boolean },
): Promise<void> {
  const { client, opened } = await openSession(wallet, operatorScopes, { limit: '0', ...asked });
  const minted = isFirst ? await tokenOf(client) : undefined;
  requireWanted(client, asked.signal);
  operator.value = client;
  if (minted !== undefined) await takeLogin(browserSession(opened(), minted, nowMs()));
}

/** A wallet may sign after its dialog was closed: then the session that it opened ends at once. */
function requireWanted(client: Broker, signal: AbortSignal): void {
  if (!signal.aborted) return;
  endSessionOf(client);
  signal.throwIfAborted();
}

/** Ends all sessions of a wallet, by its signature alone: for a wallet that has too many of them. */
export async function endAllSessions(wallet: Wallet, asked: Omit<Asked, 'limit'>): Promise<void> {
  const { signer, chainId } = await signerOf(wallet, asked);
  await connectLazily({ api, fetch: watchedFetch, retries: 0 }).revokeByWallet({ wallet: signer, chainId });
}

const tokenOf = async (client: Broker) =>
  await orEnd(client, client.tokens.create({ scopes: browserScopes, ttlSeconds: loginSeconds() }));

/** A session without the token that it was opened for is of no use, and is not left open. */
async function orEnd<T>(client: Broker, made: Promise<T>): Promise<T> {
  try {
    return await made;
  } catch (error) {
    endSessionOf(client);
    throw error;
  }
}

/** What a token for a program may do. */
export interface TokenAsked extends Asked {
  scopes: readonly Scope[];
  ttlSeconds: number;
  /** What the list of sessions calls it. */
  label: string;
}

/**
 * Makes a token for a program, in a session of its own: it may do and spend what is allowed here, and ending it touches
 * nothing else. The session's key is forgotten with the client.
 *
 * @throws WalletRefusal, WorldLandError
 */
export async function mintToken(wallet: Wallet, asked: TokenAsked): Promise<MintedToken> {
  const { scopes, ttlSeconds } = asked;
  const { client } = await openSession(wallet, scopes, asked);
  const minted = await orEnd(client, client.tokens.create({ scopes, ttlSeconds }));
  requireWanted(client, asked.signal);
  return minted;
}

/**
 * Does one thing that a token is not enough for, in a session of its own that ends with it. Its key is in this function's
 * memory only.
 *
 * @param owner whose wallet it has to be: another account would change what is another's.
 * @throws WalletRefusal, WorldLandError
 */
export async function signedOnce<T>(
  wallet: Wallet,
  { owner, scopes, ...asked }: Omit<Asked, 'limit'> & { owner: string; scopes: readonly Scope[] },
  action: (client: Broker) => Promise<T>,
): Promise<T> {
  const { client } = await openSession(wallet, scopes, { limit: '0', ttlSeconds: onceS, ...asked });
  try {
    if (client.session?.wallet.toLowerCase() !== owner.toLowerCase())
      throw new WalletRefusal('That is another account than the one that is connected here. Choose that one.');
    return await action(client);
  } finally {
    endSessionOf(client);
  }
}

/** Long enough for one request. */
const onceS = 300;

type Opening = Asked & Partial<Pick<TokenAsked, 'ttlSeconds' | 'label'>>;

async function openSession(wallet: Wallet, scopes: readonly Scope[], opening: Opening) {
  const { limit, signal, ttlSeconds = loginSeconds(), label = labelOf(navigator) } = opening;
  const { signer, chainId } = await signerOf(wallet, opening);
  let kept: StoredSession | undefined;
  const memory = memoryStore();
  const store = {
    ...memory,
    save: async (broker: string, session: StoredSession) => {
      kept = session;
      await memory.save(broker, session);
    },
  };
  const client = connectLazily({ api, store, fetch: watchedFetch, retries: 0 });
  await client.login({ wallet: signer, chainId, scopes, spendLimit: limit, ttlSeconds, label });
  requireWanted(client, signal);
  return { client, opened: () => kept! };
}

/** A wallet of this browser in the form in which a login takes one, on a chain that the broker accepts. */
async function signerOf(wallet: Wallet, { say, signal }: Omit<Asked, 'limit'>) {
  say(`${wallet.name} asks you which account to use.`);
  const address = await accountOf(wallet, signal);
  const accepted = site.value?.auth.chain_ids ?? [];
  const current = await chainOf(wallet, signal);
  const chainId = current !== undefined && accepted.includes(current) ? current : (accepted[0] ?? current ?? 1);
  if (current !== chainId) {
    say(`${wallet.name} has to change to the chain with the id ${chainId}.`);
    await switchChain(wallet, chainId, signal);
  }
  const signTypedData = async ({ types, ...rest }: TypedData) => {
    say(`${wallet.name} asks you to sign.`);
    return await sign(wallet, address, { types: { EIP712Domain: domainType, ...types }, ...rest }, signal);
  };
  return { signer: { address, signTypedData }, chainId };
}
