import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import type { BrowserWallet } from '../support/browser-wallet.js';
import type { Machine, Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { press, tabTo } from '../console/pages/keys.js';
import { openJobId, rentOf } from '../console/pages/rent.js';
import { connectWallet, words } from '../console/pages/shell.js';
import { finalWithin, openChainSite, type ChainSite } from './pages/chain-site.js';
import { depositsOf, sendIn } from './pages/deposits.js';

const token = 1_000_000n;
const sending = 'eth_sendTransaction';

(await describeWithChromium())('deposits on the pages', () => {
  let site: ChainSite;
  let machine: Machine;
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    site = await openChainSite();
    machine = await site.machine({ gpuPricePerHour: 1 });
  }, browserStartsWithinMs);
  afterEach(async () => {
    for (const { context, seen } of visitors.splice(0)) {
      // Answers that are meant to fail are complaints of the browser, too.
      expect(seen.complaints.filter((text) => !/status of 4/.test(text))).toEqual([]);
      await context.close();
    }
  });
  afterAll(async () => await site?.close());

  async function visit(wallet: BrowserWallet, path = 'deposits'): Promise<Page> {
    const visitor = await site.visitor({ wallet });
    visitors.push(visitor);
    await visitor.open();
    await connectWallet(visitor.page);
    await visitor.open(path);
    return visitor.page;
  }

  async function deposit(page: Page, amount: string): Promise<void> {
    const { amount: field, deposit: button } = depositsOf(page);
    await field.fill(amount);
    await button.click();
    await sendIn(page, 'Deposit');
  }

  async function untilFree(page: Page, figure: string): Promise<void> {
    await until(async () => (await words(depositsOf(page).figure('Free'))).includes(figure), {
      ...{ ...finalWithin, name: `${figure} are free` },
    });
  }

  test('an order that lacks money leads to the deposit with what is missing, then goes, and what is left is taken out', async () => {
    const wallet = await site.wallet(50n * token);
    const page = await visit(wallet, `rent?gpu=${machine.gpuType}`);
    const form = rentOf(page);
    const order = async () => {
      await form.key.fill(ed25519Key());
      await form.hours.fill('2');
      await until(async () => (await form.summary.innerText()).includes('can take this now'));
      await form.rent.click();
    };
    await order();
    await page.getByText('Your deposit does not cover this').waitFor();
    await page.getByRole('link', { name: 'Deposit…' }).click();
    const { amount, deposit: button, onItsWay, card } = depositsOf(page);
    await amount.waitFor();
    const missing = Number(await amount.inputValue());
    expect(missing).toBeGreaterThan(0);
    await button.click();
    // It is on its way until it is booked, which may be soon: who waits for it begins before it is sent.
    await Promise.all([onItsWay.getByText('Deposit of').waitFor(), sendIn(page, 'Deposit')]);
    expect(wallet.asked.filter(({ method }) => method === sending)).toHaveLength(2);
    // What is asked for is what the page said: no more may be fetched than is deposited.
    const [approval] = wallet.asked.filter(({ method }) => method === sending);
    expect((approval!.params[0] as { to: string }).to).toBe(site.chain.token);
    await until(async () => (await onItsWay.count()) === 0, { ...finalWithin, name: 'the deposit is booked' });
    await page.goto(`/console/rent?gpu=${machine.gpuType}`);
    await order();
    const id = await openJobId(page);
    const elsewhere = await site.client(wallet.account);
    await elsewhere.jobs.waitUntil(id, 'running');
    await elsewhere.jobs.end(id, { wait: 30 });

    await page.goto('/console/deposits');
    const withdraw = card('Withdraw');
    await withdraw.getByRole('button', { name: 'All that is free' }).click();
    await withdraw.getByRole('button', { name: 'Withdraw…' }).click();
    const before = await site.tokensOf(wallet.account);
    await sendIn(page, 'Withdraw');
    await until(async () => (await site.tokensOf(wallet.account)) > before, finalWithin);
    await until(async () => (await onItsWay.count()) === 0, { ...finalWithin, name: 'the withdrawal is booked' });
    await withdraw.getByText('Nothing is free.').waitFor();
  }, 300_000);

  test('a wallet whose person says no has sent nothing, and the page says so and keeps nothing of it', async () => {
    const wallet = await site.wallet(5n * token, { refuses: [sending] });
    const page = await visit(wallet);
    const { amount, deposit: button, sheet, onItsWay } = depositsOf(page);
    await amount.fill('2');
    await button.click();
    await sheet('Deposit').getByRole('button', { name: 'Otter Wallet' }).click();
    const failure = sheet('Deposit').getByRole('alert');
    expect(await words(failure)).toContain('You said no in Otter Wallet');
    await page.keyboard.press('Escape');
    expect(await onItsWay.count()).toBe(0);
    expect(await page.evaluate<string | null>('sessionStorage.getItem("worldland-chain")')).toBeNull();
    expect(await site.tokensOf(wallet.account)).toBe(5n * token);
  });

  test('a wallet with less than is deposited is told so before it is asked', async () => {
    const wallet = await site.wallet(1n * token);
    const page = await visit(wallet);
    const { amount, deposit: button, sheet } = depositsOf(page);
    await amount.fill('2');
    await button.click();
    await sheet('Deposit').getByRole('button', { name: 'Otter Wallet' }).click();
    expect(await words(sheet('Deposit').getByRole('alert'))).toContain('Your wallet has 1 ');
    expect(wallet.asked.filter(({ method }) => method === sending)).toEqual([]);
  });

  test('a wallet on another chain is asked to change before it sends anything', async () => {
    const wallet = await site.wallet(5n * token, { chainId: 1 });
    const page = await visit(wallet);
    await deposit(page, '3');
    const methods = wallet.asked.map(({ method }) => method);
    expect(methods.indexOf('wallet_switchEthereumChain')).toBeGreaterThan(0);
    expect(methods.indexOf('wallet_switchEthereumChain')).toBeLessThan(methods.indexOf(sending));
    await untilFree(page, '3.00');
  });

  test('a deposit is made without a mouse', async () => {
    const wallet = await site.wallet(5n * token);
    const page = await visit(wallet);
    const { amount, deposit: button, sheet } = depositsOf(page);
    await tabTo(page, amount);
    await page.keyboard.type('1.5');
    await press(page, button);
    await press(page, sheet('Deposit').getByRole('button', { name: 'Otter Wallet' }));
    await sheet('Deposit').waitFor({ state: 'detached' });
    await untilFree(page, '1.50');
  });

  test('a deposit is found after a reload while the wallet was still asked', async () => {
    let goOn = () => undefined as void;
    const held = new Promise<void>((done) => (goOn = done));
    let count = 0;
    const wallet = await site.wallet(5n * token, {
      before: async (method) => {
        // The approval goes, and the deposit waits for its person.
        if (method === sending && ++count === 2) await held;
      },
    });
    const page = await visit(wallet);
    const { amount, deposit: button, sheet, onItsWay } = depositsOf(page);
    await amount.fill('4');
    await button.click();
    await sheet('Deposit').getByRole('button', { name: 'Otter Wallet' }).click();
    await until(() => count === 2, finalWithin);
    await page.reload();
    await onItsWay.getByText('Deposit of').waitFor();
    await onItsWay.getByText('your wallet is asked').waitFor();
    goOn();
    await until(async () => (await onItsWay.count()) === 0, { ...finalWithin, name: 'the deposit was found' });
    await untilFree(page, '4.00');
    expect(count).toBe(2);
  });

  test('an approval that was followed by a reload goes on with its deposit, and approves nothing twice', async () => {
    const wallet = await site.wallet(5n * token);
    let isRefusing = false;
    wallet.before = async (method) => {
      if (method !== sending) return;
      wallet.refuses = isRefusing ? [sending] : [];
      isRefusing = true;
    };
    const page = await visit(wallet);
    const { amount, deposit: button, sheet } = depositsOf(page);
    await amount.fill('2.5');
    await button.click();
    await sheet('Deposit').getByRole('button', { name: 'Otter Wallet' }).click();
    expect(await words(sheet('Deposit').getByRole('alert'))).toContain('You said no');
    await page.reload();
    wallet.before = async () => undefined;
    wallet.refuses = [];
    const sent = wallet.asked.filter(({ method }) => method === sending).length;
    await deposit(page, '2.5');
    expect(wallet.asked.filter(({ method }) => method === sending).length).toBe(sent + 1);
    await untilFree(page, '2.50');
  });

  test('a higher cap is signed without gas, and counts at once', async () => {
    const wallet = await site.wallet(5n * token);
    await site.deposit(wallet.account, await site.client(wallet.account), 5n * token);
    const page = await visit(wallet);
    const { card, sheet } = depositsOf(page);
    await card('What may be drawn').getByRole('button', { name: 'Raise…' }).click();
    await sheet('Raise what may be drawn').getByLabel('From now on, at most').fill('80');
    await sendIn(page, 'Raise what may be drawn');
    await until(async () => (await words(card('What may be drawn'))).includes('80.00'), finalWithin);
    expect(wallet.asked.filter(({ method }) => method === sending)).toEqual([]);
    expect((await site.read<bigint[]>('customers', [wallet.account.address]))[2]).toBe(5n * token);
  });

  test('a wallet leaves without the broker: it asks, waits, and takes everything out', async () => {
    const wallet = await site.wallet(6n * token);
    await site.deposit(wallet.account, await site.client(wallet.account), 6n * token);
    const page = await visit(wallet);
    const { card } = depositsOf(page);
    const leave = card('Leave without the broker');
    await leave.getByText('after 1 minute').waitFor();
    await leave.getByRole('button', { name: 'Ask for my exit…' }).click();
    await sendIn(page, 'Ask for my exit');
    await until(async () => (await words(leave)).includes('You leave in'), finalWithin);
    await leave.getByRole('button', { name: 'Stay after all…' }).waitFor();
    await until(async () => (await words(leave)).includes('Your exit is open'), { ...finalWithin, timeoutMs: 110_000 });
    await site.exitIsOpen(wallet.account);
    await leave.getByRole('button', { name: 'Take everything out…' }).click();
    await sendIn(page, 'Take everything out');
    await until(async () => (await site.tokensOf(wallet.account)) === 6n * token, finalWithin);
    await until(async () => (await words(leave)).includes('Ask for my exit'), finalWithin);
  }, 300_000);
});
