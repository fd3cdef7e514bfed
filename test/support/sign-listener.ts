import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PrivateKeyAccount } from 'viem';
import { delegationStatement } from '../../src/wire/session-typed-data.js';
import { readSignAnswer, type LoginSignRequest, type SignAnswer } from '../../src/wire/sign-page.js';
import { signedHeaders, type Api } from './api.js';
import type { Page } from './chromium.js';
import { until } from './until.js';

/** What the broker answers to the beginning of a login. */
export interface ChallengeReply {
  typed_data: { message: Record<string, unknown> };
  expires_in: number;
}

/** Which of the pages' requests are for such a proposal. */
export const challenges = '**/auth/challenge';

/** Changes what the broker at `api` proposes, between it and the page. */
export async function changeChallenges(
  page: Page,
  api: string,
  change: (reply: ChallengeReply) => object,
): Promise<void> {
  await page.route(challenges, async (route) => {
    // Only the browser knows the name that it calls the broker by.
    const response = await route.fetch({ url: new URL(new URL(route.request().url()).pathname, api).href });
    await route.fulfill({ response, json: change((await response.json()) as ChallengeReply) });
  });
}

export interface SignListener {
  port: number;
  path: string;
  /** The next answer that a browser brings, once each. */
  next(): Promise<ReturnType<typeof readSignAnswer>>;
  /** How many came that nobody has taken. */
  count(): number;
  stop(): Promise<void>;
}

/** What `wl` listens with. */
export async function startSignListener(): Promise<SignListener> {
  const path = `/${'p'.repeat(22)}`;
  const answers: ReturnType<typeof readSignAnswer>[] = [];
  const server: Server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://127.0.0.1');
    if (pathname === path) answers.push(readSignAnswer(search));
    response.setHeader('content-type', 'text/html').end('You may close this page.');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    path,
    port: (server.address() as AddressInfo).port,
    async next() {
      await until(async () => answers.length > 0);
      return answers.shift();
    },
    count: () => answers.length,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Finishes a login as `wl` does: with its own key, and with what it asked for and not what the page says. */
export async function registerAnswer(api: Api, key: PrivateKeyAccount, asked: LoginSignRequest, answer: SignAnswer) {
  const { wallet, chainId, issuedAt, expiresAt, nonce, signature } = answer;
  const audience = api.config.AUTH_AUDIENCE;
  const message = {
    ...{ wallet, sessionKey: key.address.toLowerCase(), audience, statement: delegationStatement },
    ...{ scopes: asked.scopes.join(' '), spendLimit: asked.spendLimit, issuedAt, expiresAt, nonce },
  };
  const body = { message, chain_id: chainId, signature };
  const target = '/api/v1/auth/sessions';
  return await api.send('POST', target, {
    body,
    headers: await signedHeaders(key, { method: 'POST', target, body, audience }),
  });
}
