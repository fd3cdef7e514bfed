import { expect, test } from '@jest/globals';
import { newWallet } from '../support/api.js';
import { browserWallet, WalletError, type BrowserWallet } from '../support/browser-wallet.js';
import { describeWithChromium } from '../support/chromium.js';
import { consoleOperator } from '../support/console-stack.js';
import type { Visitor } from '../support/console.js';
import { until } from '../support/until.js';
import { liveSessions, shellOf, walletDialogOf, words } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

const never = new Promise<void>(() => undefined);
const signing = 'eth_signTypedData_v4';

(await describeWithChromium())('wallets that do not do what they are asked', () => {
  const at = siteOfTests();

  async function visit(wallets: BrowserWallet[], path = ''): Promise<Visitor> {
    const visitor = await at.visit({ wallets, wallet: wallets[0]! });
    await visitor.open(path);
    return visitor;
  }

  /** Chooses the wallet in the dialog that connects. */
  async function choose(wallet: BrowserWallet) {
    const { page } = await visit([wallet]);
    await shellOf(page).connect.click();
    const dialog = walletDialogOf(page);
    await dialog.wallet(wallet.name).click();
    return { page, ...dialog };
  }

  /** A wallet that signs when the test says so. */
  function patient(more: Partial<BrowserWallet> = {}) {
    let go: () => void = () => undefined;
    const held = new Promise<void>((done) => (go = done));
    const wallet = browserWallet({ before: async (method) => (method === signing ? await held : undefined), ...more });
    const isAsked = async () => await until(async () => wallet.asked.some(({ method }) => method === signing));
    return { wallet, isAsked, sign: () => go() };
  }

  test('what a wallet signs after its dialog was closed logs nobody in, and leaves no session', async () => {
    const { wallet, isAsked, sign } = patient();
    const elsewhere = await at.site.client(wallet.account as never);
    const { page, dialog } = await choose(wallet);
    await isAsked();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    sign();
    // Another question of the page is answered after the signature.
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('button', { name: 'Connect wallet' }).first().waitFor();
    await until(async () => (await liveSessions(elsewhere)).length === 1);
    expect(await shellOf(page).wallet.count()).toBe(0);
    expect(await page.evaluate<string>('JSON.stringify({ ...sessionStorage })')).not.toContain('token');
  });

  test('what an operator signs after the dialog was closed makes nobody an operator', async () => {
    const { wallet, isAsked, sign } = patient({ account: consoleOperator });
    const { page } = await visit([wallet], 'operator');
    await page.getByRole('button', { name: 'Sign as an operator' }).click();
    const { dialog } = walletDialogOf(page, 'Sign in as an operator');
    await dialog.getByRole('button', { name: wallet.name }).click();
    await isAsked();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    sign();
    // What comes after the signature takes a moment.
    await page.getByRole('link', { name: 'Market', exact: true }).click();
    await page
      .getByRole('heading', { name: /^Offers|GPUs/ })
      .first()
      .waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Sign as an operator' }).waitFor();
    expect(await page.getByRole('tab', { name: 'Now' }).count()).toBe(0);
  });

  test('a wallet that never answers is said to be silent, and can be given up for another one', async () => {
    const silent = browserWallet({ name: 'Silent Wallet', before: () => never });
    const { page } = await visit([silent, browserWallet()]);
    await shellOf(page).connect.click();
    const { dialog, wallet, failure, sign } = walletDialogOf(page);
    await wallet('Silent Wallet').click();
    await dialog.getByText('Silent Wallet has not answered yet.').waitFor();
    await dialog.getByRole('button', { name: 'Stop waiting' }).click();
    expect(await words(failure)).toContain('You stopped waiting for Silent Wallet.');
    await sign('Otter Wallet');
    await shellOf(page).wallet.waitFor();
  });

  test.each([
    [-32_002, 'Otter Wallet already asks you something. Open it and answer there, then try again.'],
    [4100, 'Otter Wallet does not let this page use that account.'],
    [4900, 'Otter Wallet has no connection to its chain.'],
  ])('a wallet that answers %d is explained', async (code, said) => {
    const wallet = browserWallet({
      before: async (method) => {
        if (method === 'eth_requestAccounts') throw new WalletError(code, 'no');
      },
    });
    const { failure } = await choose(wallet);
    expect(await words(failure)).toContain(said);
  });

  test('the signature of another account than the one that was named is said to be one, and logs nobody in', async () => {
    const { page, failure } = await choose(browserWallet({ signsAs: newWallet() }));
    expect(await words(failure)).toContain('The signature is not that of this account.');
    expect(await shellOf(page).wallet.count()).toBe(0);
  });

  test('two wallets that announce themselves with one uuid and one name are both there, and told apart', async () => {
    const [first, second] = ['example.one', 'example.two'].map((rdns) => browserWallet({ uuid: 'the-same', rdns }));
    const { page } = await visit([first!, second!]);
    await shellOf(page).connect.click();
    await walletDialogOf(page).sign('Otter Wallet (example.two)');
    await shellOf(page).wallet.waitFor();
    expect([first!.asked.length, second!.asked.length > 0]).toEqual([0, true]);
  });
});
