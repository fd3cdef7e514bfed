import { expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { browserWallet, type BrowserWallet } from '../support/browser-wallet.js';
import { describeWithChromium, type Page } from '../support/chromium.js';
import { countedOperator } from '../support/console-stack.js';
import type { Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { openJobId, rentOf } from './pages/rent.js';
import { connectWallet, liveSessions, shellOf, walletDialogOf } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

(await describeWithChromium())('the sessions of a tab', () => {
  const at = siteOfTests();

  async function visit(wallets: BrowserWallet[] = [browserWallet()], path = ''): Promise<Visitor> {
    const visitor = await at.visit({ wallets, wallet: wallets[0]! });
    await visitor.open(path);
    return visitor;
  }

  const elsewhereOf = async ({ account }: BrowserWallet): Promise<WorldLand> => await at.site.client(account as never);
  const stored = async (page: Page) => await page.evaluate<string>('JSON.stringify({ ...sessionStorage })');
  const signOperator = async (page: Page) => {
    await page.getByRole('button', { name: 'Sign as an operator' }).click();
    await walletDialogOf(page, 'Sign in as an operator').sign('Otter Wallet');
    await page.getByRole('tab', { name: 'Now' }).waitFor();
  };
  const logOut = async (page: Page) => {
    await shellOf(page).wallet.click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await shellOf(page).connect.waitFor();
  };
  /** Ends the login of the tab, and has the page notice. */
  const endLogin = async (page: Page) => {
    const { token } = JSON.parse(
      await page.evaluate<string>('Object.values(sessionStorage).find((text) => text.includes("token"))'),
    ) as { token: { value: string } };
    const headers = { authorization: `Bearer ${token.value}` };
    const me = (await (await fetch(`${at.site.api}/api/v1/auth/me`, { headers })).json()) as { session_id: string };
    await fetch(`${at.site.api}/api/v1/auth/sessions/${me.session_id}`, { method: 'DELETE', headers });
  };

  test('an operator’s key is forgotten when the login of the tab has ended, and its session ends at the broker', async () => {
    const wallet = browserWallet({ account: countedOperator });
    const elsewhere = await elsewhereOf(wallet);
    const before = new Set(await liveSessions(elsewhere));
    const { page } = await visit([wallet]);
    await connectWallet(page);
    await page.getByRole('link', { name: 'Operator' }).click();
    await signOperator(page);
    const ofTab = async () => (await liveSessions(elsewhere)).filter((id) => !before.has(id));
    expect(await ofTab()).toHaveLength(2);
    await endLogin(page);
    await shellOf(page).wallet.click();
    await page.getByRole('menuitem', { name: 'Account' }).click();
    await page.getByText('Your login has ended,').waitFor();
    await until(async () => (await ofTab()).length === 0, { name: 'the operator’s session has ended' });
    await page.getByRole('link', { name: 'Operator' }).click();
    await page.getByRole('button', { name: 'Sign as an operator' }).waitFor();
  });

  test('an operator whose session ends in the middle of an action keeps what was written until the wallet was asked', async () => {
    const wallet = browserWallet({ account: countedOperator });
    const elsewhere = await elsewhereOf(wallet);
    const before = new Set(await liveSessions(elsewhere));
    const { page } = await visit([wallet], 'operator?view=money');
    await page.getByRole('button', { name: 'Sign as an operator' }).click();
    await walletDialogOf(page, 'Sign in as an operator').sign('Otter Wallet');
    await page.getByRole('button', { name: 'Record a payment…' }).click();
    const sheet = page.getByRole('dialog', { name: 'Record a payment' });
    await sheet.getByLabel('Wallet that paid').fill(`0x${'ab'.repeat(20)}`);
    await sheet.getByLabel('Amount', { exact: true }).fill('0.001');
    await sheet.getByLabel('Reference').fill('invoice 2026-114');
    const [session] = (await liveSessions(elsewhere)).filter((id) => !before.has(id));
    await elsewhere.sessions.revoke(session!);

    await sheet.getByRole('button', { name: /^Record the payment of/ }).click();
    const again = walletDialogOf(page, 'Sign in as an operator');
    await again.dialog.waitFor();
    expect(await sheet.getByLabel('Reference').inputValue()).toBe('invoice 2026-114');
    await page.keyboard.press('Escape');
    await page.getByText('Your session as an operator has ended. Nothing was changed.').waitFor();
    await page.getByRole('button', { name: 'Sign as an operator' }).waitFor();
  });

  test('a session that another one has replaced ends with the log out, also after a reload', async () => {
    const wallet = browserWallet();
    const elsewhere = await elsewhereOf(wallet);
    const { gpuType } = await at.site.machine({ gpuPricePerHour: 1 });
    const { page } = await visit([wallet], `rent?gpu=${gpuType}`);
    await connectWallet(page, { limit: '5' });
    const { key, hours, summary, rent } = rentOf(page);
    await key.fill(ed25519Key());
    await hours.fill('20');
    await until(async () => (await summary.innerText()).includes('can take this now'));
    await rent.click();
    await walletDialogOf(page, 'Allow more').sign();
    const jobId = await openJobId(page);
    expect(await liveSessions(elsewhere)).toHaveLength(3);
    await page.reload();
    await shellOf(page).wallet.waitFor();
    await logOut(page);
    await until(async () => (await liveSessions(elsewhere)).length === 1, { name: 'both sessions have ended' });
    // The page hears of it after the broker has done it.
    await until(async () => (await stored(page)) === '{}', { name: 'nothing of the login is stored' });
    await elsewhere.jobs.end(jobId);
  });

  test('a log out that the broker does not hear is said again when it answers, and holds nothing secret', async () => {
    const wallet = browserWallet();
    const elsewhere = await elsewhereOf(wallet);
    const { page } = await visit([wallet]);
    await connectWallet(page);
    await page.route('**/api/v1/**', (route) => route.abort());
    await logOut(page);
    expect(await stored(page)).not.toMatch(/wlb_|token|0x[0-9a-f]{64}/);
    expect(await liveSessions(elsewhere)).toHaveLength(2);
    await page.unroute('**/api/v1/**');
    await until(async () => (await liveSessions(elsewhere)).length === 1, { name: 'the session has ended' });
    await until(async () => (await stored(page)) === '{}', { name: 'nothing of the login is stored' });
  });

  test('what a log out could not end ends with the next login of the wallet, also after a reload', async () => {
    const wallet = browserWallet();
    const elsewhere = await elsewhereOf(wallet);
    const { page } = await visit([wallet]);
    await connectWallet(page);
    await page.route('**/api/v1/auth/sessions/*', (route) => route.abort());
    await logOut(page);
    await page.reload();
    await page.unroute('**/api/v1/auth/sessions/*');
    await connectWallet(page);
    await until(async () => (await liveSessions(elsewhere)).length === 2, { name: 'only the new one is left' });
  });

  test('the session of another wallet ends when a new one takes its place', async () => {
    const [first, second] = [browserWallet(), browserWallet({ name: 'Second Wallet' })];
    const elsewhere = await elsewhereOf(first);
    const { page } = await visit([first, second]);
    await connectWallet(page);
    await endLogin(page);
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('button', { name: 'Connect again' }).click();
    await walletDialogOf(page, 'Connect again').sign('Second Wallet');
    await page.getByText('You are connected with another wallet now').waitFor();
    expect(await liveSessions(elsewhere)).toHaveLength(1);
  });

  const hour = 3_600_000;
  test.each([
    ['ten hours ahead', 10 * hour],
    ['twenty hours behind', -20 * hour],
  ])('a computer whose clock is %s can log in, stay logged in, and log out', async (_, byMs) => {
    const wallet = browserWallet();
    const visitor = await at.visit({ wallet });
    const { page } = visitor;
    await page.addInitScript(`(${shiftClock.toString()})(${byMs})`);
    await visitor.open();
    await connectWallet(page);
    await page.reload();
    await shellOf(page).limit.waitFor();
    await shellOf(page).wallet.click();
    await page.getByRole('menuitem', { name: 'Account' }).click();
    // Eight hours by the broker's clock, less what the test has taken.
    await page.getByText(/, in 7:5\d:\d\d\. Jobs go on/).waitFor();
    expect(await page.getByText('Your login has ended').count()).toBe(0);
    await logOut(page);
  });

  test('a clock that is days wrong is named as what is wrong', async () => {
    const visitor = await at.visit();
    await visitor.page.addInitScript(`(${shiftClock.toString()})(${72 * hour})`);
    await visitor.open();
    await shellOf(visitor.page).connect.click();
    const { wallet, failure } = walletDialogOf(visitor.page);
    await wallet('Otter Wallet').click();
    await failure.getByText(/The clock of this computer is 3 days/).waitFor();
  });
});

/** Runs in the page: its clock is wrong by so many milliseconds. */
function shiftClock(byMs: number): void {
  const page = globalThis as unknown as { Date: DateConstructor };
  const True = page.Date;
  class Shifted extends True {
    constructor(...given: unknown[]) {
      if (given.length === 0) super(True.now() + byMs);
      else super(...(given as [number]));
    }
    static override now() {
      return True.now() + byMs;
    }
  }
  page.Date = Shifted as DateConstructor;
}
