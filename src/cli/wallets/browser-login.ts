import type { SessionInfo, WorldLand as Client } from '../../client/index.js';
import { joinScopes, type Scope } from '../../wire/scopes.js';
import { delegationStatement } from '../../wire/session-typed-data.js';
import type { Context } from '../context.js';
import { signInBrowser } from './by-browser.js';

export interface LoginAsked {
  scopes: Scope[];
  /** Tokens. */
  spendLimit: string;
  ttlSeconds: number;
  label: string;
  chainId?: number;
}

/** Logs in with a wallet in the browser, which signs on a page of the broker. */
export async function loginInBrowser(
  context: Context,
  client: Client,
  asked: LoginAsked,
  { isBrowserWanted }: { isBrowserWanted: boolean },
): Promise<SessionInfo> {
  const pending = await client.beginLogin(asked);
  const answer = await signInBrowser(
    context,
    {
      ...{ kind: 'login', sessionKey: pending.sessionKey as `0x${string}`, scopes: pending.scopes },
      ...{ spendLimit: pending.spendLimit, ttlSeconds: asked.ttlSeconds, label: asked.label },
      ...(asked.chainId === undefined ? {} : { chainId: asked.chainId }),
    },
    { isBrowserWanted },
  );
  // All but what the page had to choose is what was asked for.
  const message = {
    ...{ wallet: answer.wallet, sessionKey: pending.sessionKey, audience: client.audience },
    ...{ statement: delegationStatement, scopes: joinScopes(pending.scopes), spendLimit: pending.spendLimit },
    ...{ issuedAt: answer.issuedAt, expiresAt: answer.expiresAt, nonce: answer.nonce },
  };
  return await pending.finish({ message, chainId: answer.chainId, signature: answer.signature });
}
