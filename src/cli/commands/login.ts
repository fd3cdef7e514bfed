import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { StoredSession, WorldLand as Client } from '../../client/index.js';
import type { Scope } from '../../wire/scopes.js';
import type { Context } from '../context.js';
import { clockText, durationText } from '../../words/durations.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { readScopes } from '../scope-words.js';
import { shellWord } from '../ssh/shell-word.js';
import { ask } from '../terminal/ask.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';
import { loginInBrowser } from '../wallets/browser-login.js';
import { walletKind } from '../wallets/signer.js';

interface Flags {
  wallet?: string;
  spendLimit?: string;
  for?: number;
  scopes?: string[];
  admin?: boolean;
  label?: string;
  chainId?: number;
  audience?: string;
  token?: boolean;
  ttl?: number;
  browser: boolean;
}

const customer: readonly Scope[] = ['jobs:read', 'jobs:write', 'providers:read', 'providers:write'];

export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  if (flags.ttl !== undefined && flags.token !== true)
    throw usage('--ttl is the life of a token', 'for the login: --for 8h');
  const client = await context.client({ audience: flags.audience });
  const kind = walletKind(flags.wallet, context.env);
  const site = await context.site();
  requireSameName(client, site.audience);
  const scopes = scopesOf(flags);
  const spendLimit = await limitOf(context, flags, scopes);
  const ttlSeconds = ttlOf(flags.for, site.auth);
  const earlier = await storedSession(context, client);
  const asked = {
    ...{ scopes, spendLimit, ttlSeconds, label: (flags.label ?? usualLabel()).slice(0, 64) },
    ...(flags.chainId === undefined ? {} : { chainId: flags.chainId }),
  };
  const session =
    kind === 'browser'
      ? await loginInBrowser(context, client, asked, { isBrowserWanted: flags.browser })
      : await client.login({ ...asked, wallet: await kind.signer() });
  if (earlier !== undefined && earlier.sessionId !== session.sessionId) await endEarlier(client, earlier);
  if (flags.token === true) {
    const minted = await client.tokens.create(flags.ttl === undefined ? {} : { ttlSeconds: flags.ttl });
    return global.json === true ? screen.json(minted) : screen.print(minted.token);
  }
  if (global.json === true) return screen.json(await client.whoami());
  if (global.quiet === true) return screen.print(session.sessionId);
  const money = await context.money();
  const until = clockText(session.expiresAt.getTime(), context.time());
  screen.paragraph(`${session.wallet} is logged in until ${until} and may spend ${money.sum(session.spendLimit)}.`);
}

/** A login at an address that is not the broker's name for itself cannot succeed: said before anybody is asked to sign. */
function requireSameName(client: Client, audience: string | undefined): void {
  if (audience === undefined || audience === client.audience) return;
  throw new Failure(
    exitCodes.usage,
    `this broker calls itself ${clean(audience)}, and not ${client.audience}`,
    `wl login --api ${shellWord(clean(audience))}   (or --audience, if you trust it)`,
  );
}

function scopesOf(flags: Flags): Scope[] {
  const named = readScopes(flags.scopes ?? customer);
  return [...new Set([...named, ...(flags.admin === true ? (['admin'] as const) : [])])];
}

async function limitOf(context: Context, flags: Flags, scopes: readonly Scope[]): Promise<string> {
  if (flags.spendLimit !== undefined) return flags.spendLimit;
  // Who only looks spends nothing, and a program is not asked.
  if (!scopes.includes('jobs:write') || !context.screen.canAsk) return '0';
  const { symbol } = await context.money();
  for (;;) {
    const answer = (await ask(`How much may this computer spend, in ${symbol}? [5] `)).trim();
    if (answer === '') return '5';
    if (/^\d{1,40}(?:\.\d{1,18})?$/.test(answer)) return answer;
  }
}

function ttlOf(wanted: number | undefined, auth: { session_ttl_s: number; session_ttl_max_s: number }): number {
  const ttl = wanted ?? auth.session_ttl_s;
  if (ttl <= auth.session_ttl_max_s && ttl >= 60) return ttl;
  throw usage(`--for: this broker's logins last from 1 min to ${durationText(auth.session_ttl_max_s)}`);
}

function usualLabel(): string {
  // It is shown in the list of sessions: only what any terminal shows.
  return `wl, ${userInfo().username}@${hostname()}`.replace(/[^\x20-\x7e]/g, '?');
}

async function storedSession(context: Context, client: Client): Promise<StoredSession | undefined> {
  const { fileStore } = await import('../../client/node.js');
  return await fileStore(join(context.folder, 'credentials.json')).load(client.api);
}

/** The login that this file held before: nobody has its key any more, and it would count as one of the wallet's. */
async function endEarlier(client: Client, earlier: StoredSession): Promise<void> {
  const { connect, memoryStore } = await import('../../client/index.js');
  const store = memoryStore();
  await store.save(client.api, earlier);
  const { audience } = earlier;
  const old = connect({ api: client.api, audience, store, retries: 0, timeoutMs: 5_000 });
  // It may have expired, or the broker may be busy: it ends by itself.
  await old.logout().catch(() => undefined);
}
