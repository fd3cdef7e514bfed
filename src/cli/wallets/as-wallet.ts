import type { SessionInfo, WorldLand as Client } from '../../client/index.js';
import type { Context } from '../context.js';
import { exitCodes, Failure } from '../failure.js';
import { loginInBrowser } from './browser-login.js';
import type { LoginAsked } from './browser-login.js';
import { walletKind } from './signer.js';

/** The login that moves money does that once, and spends nothing. */
const ttlS = 300;

/** How the wallet signs that login. */
export type LogIn = (once: Client, asked: LoginAsked) => Promise<SessionInfo>;

/** By the wallet that a flag or the environment names. */
export function logInBy(context: Context, flags: { wallet?: string; browser: boolean }): LogIn {
  return async (once, asked) => {
    const kind = walletKind(flags.wallet, context.env);
    return kind === 'browser'
      ? await loginInBrowser(context, once, asked, { isBrowserWanted: flags.browser })
      : await once.login({ ...asked, wallet: await kind.signer() });
  };
}

/** Does something as the wallet itself, with a login that is kept nowhere and ended at once. */
export async function asWallet<T>(
  client: Client,
  { label, logIn }: { label: string; logIn: LogIn },
  act: (by: Client) => Promise<T>,
): Promise<T> {
  const { wallet } = await client.whoami();
  const { connect, memoryStore } = await import('../../client/index.js');
  const once = connect({ api: client.api, audience: client.audience, store: memoryStore() });
  const scopes = ['billing:write' as const, 'jobs:write' as const];
  const session = await logIn(once, { scopes, spendLimit: '0', ttlSeconds: ttlS, label });
  try {
    if (session.wallet.toLowerCase() !== wallet.toLowerCase()) {
      const line = `${session.wallet} has signed, and this computer is logged in with ${wallet}`;
      throw new Failure(exitCodes.notLoggedIn, line, 'sign with that wallet, or log in with the other one: wl login');
    }
    return await act(once);
  } finally {
    // It ends by itself within minutes.
    await once.logout().catch(() => undefined);
  }
}
