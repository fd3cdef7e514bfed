import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { delegationStatement } from '../../src/wire/session-typed-data.js';
import { browserWallet, type BrowserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium } from '../support/chromium.js';
import { openConsole, type OpenConsole, type Visitor } from '../support/console.js';
import { until } from '../support/until.js';
import { connectWallet, shellOf, walletDialogOf, words } from './pages/shell.js';

const token = 10n ** 18n;

(await describeWithChromium())('connecting a wallet', () => {
  let site: OpenConsole;
  const visitors: Visitor[] = [];
  beforeAll(async () => void (site = await openConsole()), browserStartsWithinMs);
  afterEach(async () => {
    for (const { context } of visitors.splice(0)) await context.close();
  });
  afterAll(async () => await site?.close());

  async function visit(wallets: BrowserWallet[]): Promise<Visitor> {
    const visitor = await site.visitor({ wallets, ...(wallets[0] === undefined ? {} : { wallet: wallets[0] }) });
    visitors.push(visitor);
    await visitor.open();
    return visitor;
  }

  /** All that this browser keeps beyond the page: a key there could be read by any script. */
  const stored = ({ page }: Visitor) =>
    page.evaluate<string>(
      'JSON.stringify({ ...sessionStorage }) + JSON.stringify({ ...localStorage }) + document.cookie',
    );
  const asked = ({ wallet }: Visitor) => wallet.asked.filter(({ method }) => method === 'eth_signTypedData_v4');

  test('what the wallet shows is what was asked for, and the header shows what may be spent', async () => {
    const visitor = await visit([browserWallet()]);
    await connectWallet(visitor.page, { limit: '5' });
    expect(await words(shellOf(visitor.page).limit)).toMatch(/^5\.00 of 5\.00 WLC left/);
    const [signed, ...more] = asked(visitor);
    expect(more).toEqual([]);
    const { message } = JSON.parse(signed!.params[1] as string) as { message: Record<string, string> };
    expect(message).toMatchObject({
      spendLimit: `${5n * token}`,
      statement: delegationStatement,
      audience: site.api,
      wallet: visitor.wallet.account.address.toLowerCase(),
    });
    expect(message['scopes']).not.toContain('admin');
    expect(Number(message['expiresAt']) - Number(message['issuedAt'])).toBe(8 * 3_600);
    expect(visitor.seen.complaints).toEqual([]);
  });

  test('no key is kept in the browser, and a reload stays logged in without the wallet', async () => {
    const visitor = await visit([browserWallet()]);
    await connectWallet(visitor.page);
    const kept = await stored(visitor);
    expect(kept).toContain(visitor.wallet.account.address.toLowerCase());
    expect(kept).not.toMatch(/(?<![0-9a-f])(?:0x)?[0-9a-f]{64}(?![0-9a-f])/i);
    await visitor.page.reload();
    await shellOf(visitor.page).wallet.waitFor();
    expect(asked(visitor)).toHaveLength(1);
  });

  test('another tab of the same browser is not logged in', async () => {
    const visitor = await visit([browserWallet()]);
    await connectWallet(visitor.page);
    const tab = await visitor.context.newPage();
    await tab.goto('/console/');
    await shellOf(tab).connect.waitFor();
  });

  test('a wallet that refuses is quoted, nothing is stored, and the focus is back on its button', async () => {
    const visitor = await visit([browserWallet({ refuses: ['eth_signTypedData_v4'] })]);
    await shellOf(visitor.page).connect.click();
    const { wallet, failure } = walletDialogOf(visitor.page);
    await wallet('Otter Wallet').click();
    expect(await words(failure)).toContain('You said no in Otter Wallet. Nothing was signed, and nothing was sent.');
    expect(await stored(visitor)).not.toContain('token');
    await until(async () => (await visitor.page.evaluate('document.activeElement.innerText')) === 'Otter Wallet');
  });

  test('a wallet on another chain is asked to change to one that the broker accepts', async () => {
    const visitor = await visit([browserWallet({ chainId: 5 })]);
    await connectWallet(visitor.page);
    expect(visitor.wallet.asked).toContainEqual({
      method: 'wallet_switchEthereumChain',
      params: [{ chainId: '0x1' }],
    });
  });

  test('a wallet that stays on another chain is told which one to choose', async () => {
    const visitor = await visit([browserWallet({ chainId: 5, refuses: ['wallet_switchEthereumChain'] })]);
    await shellOf(visitor.page).connect.click();
    const { wallet, failure } = walletDialogOf(visitor.page);
    await wallet('Otter Wallet').click();
    expect(await words(failure)).toContain('Choose the chain with the id 1 in Otter Wallet');
    expect(asked(visitor)).toEqual([]);
  });

  test('of several wallets each can be chosen, and a hostile name shows as plain text', async () => {
    const hostile = browserWallet({
      name: '<img src=x onerror=alert(1)>\u202Egpj',
      icon: 'https://elsewhere.example/i.png',
    });
    const visitor = await visit([hostile, browserWallet({ name: 'Second Wallet' })]);
    await shellOf(visitor.page).connect.click();
    const { dialog } = walletDialogOf(visitor.page);
    // Wallets are listed once they have announced themselves to the dialog, all at once.
    await dialog.getByRole('button', { name: 'Second Wallet' }).waitFor();
    const shown = await words(dialog);
    expect(shown).toContain('<img src=x onerror=alert(1)>gpj');
    expect(await dialog.locator('img').count()).toBe(0);
    await dialog.getByRole('button', { name: 'Second Wallet' }).click();
    await shellOf(visitor.page).wallet.waitFor();
    expect(visitor.seen.urls.filter((url) => !url.startsWith(site.api))).toEqual([]);
  });

  test('a browser without a wallet is told how to get one', async () => {
    const visitor = await visit([]);
    await shellOf(visitor.page).connect.click();
    await walletDialogOf(visitor.page).dialog.getByText('This browser shows no wallet').waitFor();
  });

  test('a wallet that announces itself late is listed in the dialog that is open, beside the others, and once', async () => {
    const visitor = await visit([
      browserWallet({ isLate: true }),
      browserWallet({ name: 'Late Wallet', isLate: true }),
    ]);
    const { page } = visitor;
    await shellOf(page).connect.click();
    const { dialog, wallet } = walletDialogOf(page);
    await dialog.getByText('This browser shows no wallet').waitFor();
    await page.evaluate('announceLate()');
    await wallet('Late Wallet').waitFor();
    await page.evaluate('announceLate()');
    expect(await dialog.getByRole('button', { name: /Wallet$/ }).allInnerTexts()).toEqual([
      'Otter Wallet',
      'Late Wallet',
    ]);
    await wallet('Late Wallet').click();
    await shellOf(page).wallet.waitFor();
  });

  test('who logs out is logged out at the broker, and nothing of the login stays', async () => {
    const visitor = await visit([browserWallet()]);
    await connectWallet(visitor.page);
    const { token: login } = JSON.parse(
      await visitor.page.evaluate<string>('Object.values(sessionStorage).find((text) => text.includes("token"))'),
    ) as { token: { value: string } };
    await shellOf(visitor.page).wallet.click();
    await visitor.page.getByRole('menuitem', { name: 'Log out' }).click();
    await shellOf(visitor.page).connect.waitFor();
    expect(await stored(visitor)).not.toContain(login.value);
    await until(async () => {
      const headers = { authorization: `Bearer ${login.value}` };
      return (await fetch(`${site.api}/api/v1/auth/me`, { headers })).status === 401;
    });
  });

  test('a session that is ended elsewhere is said on the page, and signing once more goes on', async () => {
    const visitor = await visit([browserWallet()]);
    await connectWallet(visitor.page);
    const elsewhere = await site.client(visitor.wallet.account as never);
    await elsewhere.logout({ everywhere: true });
    await visitor.page.getByRole('link', { name: 'Jobs' }).click();
    await visitor.page.getByText('Your login has ended,').waitFor();
    await visitor.page.getByRole('button', { name: 'Connect again' }).click();
    await walletDialogOf(visitor.page, 'Connect again').sign();
    await visitor.page.getByText('Your login has ended,').waitFor({ state: 'detached' });
    expect(asked(visitor)).toHaveLength(2);
  });
});
