import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { verifyTypedData, type PrivateKeyAccount } from 'viem';
import { readSignAnswer, signFragment, type LoginSignRequest, type SignAnswer } from '../../src/wire/sign-page.js';
import { providerRegistrationTypedData, anySpec } from '../../src/wire/provider-typed-data.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { browserWallet, installWallets, type BrowserWallet } from '../support/browser-wallet.js';
import {
  browserStartsWithinMs,
  describeWithChromium,
  startChromium,
  watch,
  type Browser,
  type Page,
  type Seen,
} from '../support/chromium.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { buildPages } from '../support/pages.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import {
  challenges,
  changeChallenges,
  registerAnswer,
  startSignListener,
  type SignListener,
} from '../support/sign-listener.js';
import { until } from '../support/until.js';

/** The browser is told that this name is the test's API. */
const origin = 'http://broker.example.com';
const icon = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>';

(await describeWithChromium())('the page that asks a wallet, in a browser', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let api: Api;
  let chromium: Browser;
  let tab: Page;
  let listener: SignListener;
  let seen: Seen;

  beforeAll(async () => {
    const [{ pages }, ...engines] = await Promise.all([buildPages(), freshDatabase(), freshRedis()]);
    [database, redis] = engines;
    const env = { AUTH_AUDIENCE: origin, AUTH_CHAIN_IDS: '1,10', TOKEN_SYMBOL: 'WLC' };
    api = await startApi({ database, redis, env, pages });
    listener = await startSignListener();
    const names = ['broker.example.com', 'other.example.com'].map((name) => `MAP ${name} ${new URL(api.url).host}`);
    chromium = await startChromium([
      `--host-resolver-rules=${names.join(',')}`,
      // As if it were HTTPS, which a name that does not exist cannot have a certificate for.
      '--disable-features=HttpsUpgrades',
      `--unsafely-treat-insecure-origin-as-secure=${origin},http://other.example.com`,
    ]);
  }, browserStartsWithinMs);
  afterAll(async () => {
    await chromium?.close();
    await listener?.stop();
    await api?.stop();
    await Promise.all([database?.close(), redis?.close()]);
  });
  afterEach(async () => await tab?.close());

  const text = (id: string) => tab.locator(`#${id}`).innerText();
  const isShown = (id: string) => tab.locator(`#${id}`).isVisible();
  const click = (words: string) => tab.getByRole('button', { name: words }).click();
  const focused = () => tab.evaluate<string>('document.activeElement.innerText');

  async function open(
    wallets: BrowserWallet[],
    request: Partial<LoginSignRequest> = {},
    { at = origin, isOld = false } = {},
  ): Promise<{ key: PrivateKeyAccount }> {
    const key = newWallet();
    tab = await chromium.newPage();
    seen = watch(tab);
    await installWallets(tab, wallets, { isOld });
    const fragment = signFragment({ ...asked(key), ...request });
    await tab.goto(`${at}/console/sign#${fragment}`);
    await until(async () => (await isShown('choose')) || (await isShown('problem')));
    return { key };
  }

  const asked = (key: PrivateKeyAccount): LoginSignRequest => ({
    ...{
      kind: 'login',
      sessionKey: key.address,
      scopes: ['jobs:read', 'jobs:write'],
      spendLimit: '25500000000000000000',
    },
    ...{ ttlSeconds: 28_800, label: 'laptop', code: 'calm-otter-blue-river', port: listener.port, path: listener.path },
  });

  test('a login is shown in words, signed, and its answer opens exactly the session that was asked for', async () => {
    const wallet = browserWallet({ icon });
    const { key } = await open([wallet]);
    expect(await text('code')).toBe('calm otter blue river');
    const facts = await text('facts');
    for (const words of [
      'Rent GPUs; extend and end your jobs',
      'At most 25.5 WLC',
      '8 hours, until',
      'laptop',
      'broker.example.com',
    ])
      expect(facts).toContain(words);
    expect(await tab.locator('#wallets img').getAttribute('src')).toMatch(/^data:image\/svg\+xml,/);

    await click('Otter Wallet');
    const answer = await listener.next();
    expect(wallet.asked.map(({ method }) => method)).toEqual([
      'eth_requestAccounts',
      'eth_chainId',
      'eth_signTypedData_v4',
    ]);
    const { json, status } = await registerAnswer(api, key, asked(key), answer as SignAnswer);
    expect([status, json.scopes, json.spend_limit]).toEqual([201, ['jobs:read', 'jobs:write'], '25500000000000000000']);
    // Nothing else was asked anywhere.
    expect(
      seen.urls.filter((url) => !/^(?:data:|http:\/\/broker\.example\.com\/|http:\/\/127\.0\.0\.1:)/.test(url)),
    ).toEqual([]);
    expect(seen.complaints).toEqual([]);
  });

  test('a wallet that says no is quoted, nothing is sent, and the focus is back on its button', async () => {
    await open([browserWallet({ refuses: ['eth_signTypedData_v4'] })]);
    await click('Otter Wallet');
    await until(() => isShown('problem'));
    expect(await text('problem')).toContain('You said no in Otter Wallet. Nothing was signed, and nothing was sent.');
    expect(await focused()).toBe('Otter Wallet');
    expect(listener.count()).toBe(0);
  });

  test('a wallet on another chain is asked to change, and a wallet that does not is told which chain it is', async () => {
    const willing = browserWallet({ chainId: 5 });
    await open([willing]);
    await click('Otter Wallet');
    expect(await listener.next()).toMatchObject({ chainId: 1 });
    expect(willing.asked).toContainEqual({ method: 'wallet_switchEthereumChain', params: [{ chainId: '0x1' }] });

    await tab.close();
    await open([browserWallet({ chainId: 5, refuses: ['wallet_switchEthereumChain'] })]);
    await click('Otter Wallet');
    await until(() => isShown('problem'));
    expect(await text('problem')).toContain('Choose the chain with the id 1 in Otter Wallet, then try again.');
  });

  test('a wallet on any chain that the broker accepts is left there', async () => {
    const wallet = browserWallet({ chainId: 10 });
    await open([wallet]);
    await click('Otter Wallet');
    expect(await listener.next()).toMatchObject({ chainId: 10 });
    expect(wallet.asked.map(({ method }) => method)).not.toContain('wallet_switchEthereumChain');
  });

  test.each([
    ['a higher limit', (message: Record<string, unknown>) => ({ ...message, spendLimit: '99000000000000000000' })],
    ['more rights', (message: Record<string, unknown>) => ({ ...message, scopes: 'admin jobs:read jobs:write' })],
    [
      'a longer time',
      (message: Record<string, unknown>) => ({ ...message, expiresAt: Number(message['expiresAt']) + 60 }),
    ],
    ['another key', (message: Record<string, unknown>) => ({ ...message, sessionKey: `0x${'1'.repeat(40)}` })],
    ['another text', (message: Record<string, unknown>) => ({ ...message, statement: 'Pay.' })],
  ])('of a broker that proposes %s, the wallet hears nothing', async (_, change) => {
    const wallet = browserWallet();
    await open([wallet]);
    await changeChallenges(tab, api.url, (reply) => ({
      ...reply,
      typed_data: { ...reply.typed_data, message: change(reply.typed_data.message) },
    }));
    await click('Otter Wallet');
    await until(() => isShown('problem'));
    expect(await text('problem')).toContain('The broker proposes');
    expect(wallet.asked.map(({ method }) => method)).not.toContain('eth_signTypedData_v4');
    expect(listener.count()).toBe(0);
  });

  test('a signature that took longer than the broker accepts it is not sent, and the next try is a new one', async () => {
    const wallet = browserWallet();
    await open([wallet]);
    await changeChallenges(tab, api.url, (reply) => ({ ...reply, expires_in: 0 }));
    await click('Otter Wallet');
    await until(() => isShown('problem'));
    expect(await text('problem')).toContain('the broker no longer accepts what was signed');
    expect(await focused()).toBe('Otter Wallet');
    expect(listener.count()).toBe(0);

    await tab.unroute(challenges);
    await click('Otter Wallet');
    expect(await listener.next()).toMatchObject({ chainId: 1 });
  });

  test('at another address than its own, the page signs nothing and leads to the right one', async () => {
    await open([browserWallet()], {}, { at: 'http://other.example.com' });
    expect(await text('problem')).toContain(`This broker calls itself ${origin}`);
    expect(await isShown('choose')).toBe(false);
    const link = await tab.locator('#problem a').getAttribute('href');
    expect(link).toMatch(/^http:\/\/broker\.example\.com\/console\/sign#kind=login&k=0x/);
  });

  test('an address without a whole request is refused in words', async () => {
    await open([browserWallet()], { code: 'three-words-only' });
    expect(await text('problem')).toContain('This address is incomplete');
    expect(await isShown('request')).toBe(false);
  });

  test('where no listener is, the answer is shown to be pasted, with a warning', async () => {
    const wallet = browserWallet();
    const fragmentOf = { port: undefined, path: undefined } as unknown as Partial<LoginSignRequest>;
    await open([wallet], fragmentOf);
    await click('Otter Wallet');
    await until(() => isShown('answer'));
    expect(await focused()).toBe('Signed');
    expect(await text('answer')).toContain('Give this to nobody but your own terminal');
    const pasted = await tab.getByLabel('The answer for your terminal').inputValue();
    expect(readSignAnswer(pasted)).toMatchObject({ wallet: wallet.account.address.toLowerCase(), chainId: 1 });
  });

  test('who does not want to sign tells the terminal so', async () => {
    await open([browserWallet()]);
    await click('Do not sign');
    expect(await listener.next()).toEqual({ refused: true });
  });

  test('a wallet that does not announce itself is offered, and a browser without one says how to get one', async () => {
    await open([browserWallet()], {}, { isOld: true });
    await until(async () => (await text('wallets')).includes('The wallet of this browser'));
    await click('The wallet of this browser');
    expect(await listener.next()).toMatchObject({ chainId: 1 });

    await tab.close();
    await open([]);
    await until(() => isShown('no-wallet'));
    expect(await text('no-wallet')).toContain('install one as an extension');
  });

  test('a machine’s key is authorized in the same way', async () => {
    const wallet = browserWallet();
    const nodeKey = newWallet().address.toLowerCase() as `0x${string}`;
    const request = {
      kind: 'provider',
      providerId: 'borealis',
      nodeKey,
      validForS: 86_400,
    } as unknown as Partial<LoginSignRequest>;
    await open([wallet], request);
    expect(await text('facts')).toContain('Register as the provider “borealis”');
    await click('Otter Wallet');
    const { chainId, signature, issuedAt, expiresAt, nonce, ...rest } = (await listener.next()) as SignAnswer;
    const message = {
      providerId: 'borealis',
      nodeKey,
      specHash: anySpec,
      audience: origin,
      issuedAt,
      expiresAt,
      nonce,
      wallet: rest.wallet,
    };
    expect(expiresAt - issuedAt).toBe(86_400);
    expect(
      await verifyTypedData({ address: rest.wallet, signature, ...providerRegistrationTypedData(message, chainId) }),
    ).toBe(true);
  });

  test('names of strangers run nothing, reorder nothing and load nothing', async () => {
    const hostile = '<img src=x onerror=alert(1)>\u202Egpj\u001b]0;x\u0007';
    await open([browserWallet({ name: hostile, icon: 'https://elsewhere.example/icon.png' })], { label: hostile });
    const [button, facts] = [await text('wallets'), await text('facts')];
    for (const shown of [button, facts]) {
      expect(shown).toContain('<img src=x onerror=alert(1)>');
      expect(shown).not.toMatch(/[\u202e\u001b\u0007]/);
    }
    expect(await tab.locator('img').count()).toBe(0);
    expect(seen.complaints).toEqual([]);
  });

  test('the keyboard is enough, and nothing scrolls sideways on a screen of 320 pixels', async () => {
    await open([browserWallet({ name: 'A wallet with quite a long name' })], { label: 'x'.repeat(64) });
    await tab.setViewportSize({ width: 320, height: 640 });
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(320);
    await tab.keyboard.press('Tab');
    expect(await focused()).toBe('A wallet with quite a long name');
    await tab.keyboard.press('Enter');
    expect(await listener.next()).toMatchObject({ chainId: 1 });
  });

  test('who says no while the wallet still asks gives nothing away, whatever the wallet signs afterwards', async () => {
    let sign: () => void = () => undefined;
    const held = new Promise<void>((done) => (sign = done));
    const before = async (method: string) => (method === 'eth_signTypedData_v4' ? await held : undefined);
    const wallet = browserWallet({ before });
    await open([wallet], { port: undefined, path: undefined } as never);
    await click('Otter Wallet');
    await until(() => wallet.asked.some(({ method }) => method === 'eth_signTypedData_v4'));
    await click('Do not sign');
    expect(await text('status')).toContain('Nothing was signed.');
    sign();
    // The wallet's answer has come by the time that the page answers the next question.
    await tab.evaluate('new Promise((done) => setTimeout(done, 200))');
    expect([await isShown('answer'), await tab.locator('#answer-text').inputValue()]).toEqual([false, '']);
  });
});
