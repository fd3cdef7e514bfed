import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import type { Receipt } from '../../src/client/shapes.js';
import { newWallet } from '../support/api.js';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { consoleOperator } from '../support/console-stack.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { saved } from './pages/saved.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { connectWallet, walletDialogOf, words } from './pages/shell.js';

(await describeWithChromium())('money on the pages', () => {
  let site: OpenConsole;
  let machine: Machine;
  const visitors: Visitor[] = [];
  const customersWallet = newWallet();
  let customer: WorldLand;
  /** Jobs of the customer that have ended, each with a signed receipt. */
  const jobs: string[] = [];

  const order = (hours = 1) => ({
    ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
    ...{ duration_hours: hours, ssh_public_keys: [ed25519Key()] },
  });

  async function endedJob(client: WorldLand): Promise<string> {
    const { job_id: id } = await client.jobs.rentAndWait(order());
    await client.jobs.end(id, { wait: 30 });
    await until(async () => (await client.receipts.ofJob(id).catch(() => undefined))?.status === 'signed', {
      ...{ timeoutMs: 60_000, everyMs: 300, name: 'its receipt is signed' },
    });
    return id;
  }

  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({
      gpus: { model: `NVIDIA MONEY-${Date.now() % 100_000}`, count: 8 },
      gpuPricePerHour: 3,
    });
    customer = await site.client(customersWallet);
    for (let count = 0; count < 2; count++) jobs.push(await endedJob(customer));
  }, browserStartsWithinMs + 120_000);
  afterEach(async () => {
    for (const { context, seen } of visitors.splice(0)) {
      // Answers that are meant to fail are complaints of the browser, too.
      expect(seen.complaints.filter((text) => !/status of 4|ERR_FAILED/.test(text))).toEqual([]);
      await context.close();
    }
  });
  afterAll(async () => await site?.close());

  async function open(path: string, account = customersWallet): Promise<Page> {
    const visitor = await site.visitor({ wallet: browserWallet({ account }) });
    visitors.push(visitor);
    await visitor.open();
    await connectWallet(visitor.page);
    await visitor.open(path);
    return visitor.page;
  }

  async function operate(view: string): Promise<Page> {
    const visitor = await site.visitor({ wallet: browserWallet({ account: consoleOperator }) });
    visitors.push(visitor);
    await visitor.open(`operator?view=${view}`);
    await visitor.page.getByRole('button', { name: 'Sign as an operator' }).click();
    await walletDialogOf(visitor.page, 'Sign in as an operator').sign();
    await visitor.page.getByRole('tab', { name: 'Now' }).waitFor();
    return visitor.page;
  }

  const bookings = (page: Page) => page.getByRole('table', { name: 'Bookings of the month, newest first' });

  test('a customer reads a month: what it began with and ends with, and each charge; the file has the same sums', async () => {
    const page = await open('cost?view=statements');
    await bookings(page).waitFor();
    const month = new Date().toISOString().slice(0, 7);
    const statement = await customer.money.statement(month);
    const charges = bookings(page).getByRole('row').filter({ hasText: 'Charge of a job' });
    expect(await charges.count()).toBe(statement.jobs);
    await page.getByText(`Charged for ${statement.jobs} jobs`).waitFor();
    const csv = await saved(page, 'Save as CSV');
    expect(csv.name).toBe(`statement-${month}.csv`);
    const [head, ...rows] = csv.text
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','));
    const [kind, amount, after] = ['kind', 'amount', 'balance_after'].map((name) => head!.indexOf(name));
    const sum = rows.filter((row) => row[kind!] === 'settle').reduce((all, row) => all + BigInt(row[amount!]!), 0n);
    expect(sum).toBe(-BigInt(statement.charged));
    expect(rows[0]![after!]).toBe(statement.closing);
    // What only reserves is shown when it is asked for.
    await page.getByRole('checkbox', { name: 'with reservations' }).check();
    await bookings(page).getByText('Reserved', { exact: true }).first().waitFor();
  });

  test('the page of a job leads to its receipt, which is verified in the browser, link to the one before included', async () => {
    const page = await open(`jobs/${jobs[1]}`);
    await page.getByRole('link', { name: 'its receipt' }).click();
    const { number } = (await customer.receipts.ofJob(jobs[1]!)).typed_data.message;
    await page.getByRole('heading', { name: new RegExp(`^Receipt ${number}`) }).waitFor();
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('Everything in this receipt is right').waitFor();
    expect(await page.locator('.checks li').filter({ hasText: '✓' }).count()).toBe(8);
    const file = await saved(page, 'Save as JSON');
    const { receipts, keys } = JSON.parse(file.text) as { receipts: Receipt[]; keys: unknown[] };
    expect(receipts).toEqual([await customer.receipts.ofJob(jobs[1]!)]);
    expect(keys).toEqual(await customer.receipts.keys());
  });

  test('a receipt of which one digit was changed on its way is found out, and it is said in which part', async () => {
    const { digest } = await customer.receipts.ofJob(jobs[1]!);
    const page = await open('');
    await page.route(`**/api/v1/receipts/${digest}`, async (route) => {
      const reply = await route.fetch();
      const receipt = (await reply.json()) as Receipt;
      const { message } = receipt.typed_data;
      message.charged = (BigInt(message.charged) + 1n).toString();
      await route.fulfill({ response: reply, json: receipt });
    });
    await page.goto(`/console/receipts/${digest}`);
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('This receipt is not what the broker signed').waitFor();
    const failed = page.locator('.checks li').filter({ hasText: '✕' });
    const said = (await failed.allInnerTexts()).join('\n');
    expect(said).toMatch(/its digest is 0x/);
    expect(said).toMatch(/was not made by it/);
    expect(said).toMatch(/it charges \d+, but/);
    expect(await failed.count()).toBe(4);
  });

  test('all receipts are checked at once, and one that was held back is missed', async () => {
    const page = await open('cost?view=receipts');
    await page.getByRole('link', { name: 'Receipt 1' }).waitFor();
    await page.getByRole('button', { name: 'Verify all' }).click();
    const all = await customer.receipts.list().all();
    await page.getByText(`${all.length} receipts: nothing is wrong`).waitFor();
    await page.route('**/api/v1/receipts?*', async (route) => {
      const reply = await route.fetch();
      const list = (await reply.json()) as { receipts: Receipt[] };
      await route.fulfill({ response: reply, json: { ...list, receipts: list.receipts.slice(0, 1) } });
    });
    await page.getByRole('button', { name: 'Verify all' }).click();
    await page.getByText(/receipts? 1 .*missing/).waitFor();
  });

  test('a receipt of somebody else is not there, and neither is one of an address that is cut off', async () => {
    const { digest } = await customer.receipts.ofJob(jobs[0]!);
    const page = await open(`receipts/${digest}`, newWallet());
    await page.getByText('Your wallet has no receipt at this address').waitFor();
    await page.goto(`/console/receipts/${digest.slice(0, 20)}`);
    await page.getByText('Your wallet has no receipt at this address').waitFor();
    await page.goto(`/console/jobs/${jobs[0]}/receipt`);
    await page.getByRole('heading', { name: 'No such receipt' }).waitFor();
  });

  test('a cap is set and lowered by the login alone; to raise or remove it, the wallet signs', async () => {
    const account = newWallet();
    const page = await open('cost', account);
    const cap = page.getByRole('region', { name: 'Monthly cap' });
    const enter = async (amount: string) => {
      await page.getByRole('dialog').getByLabel('At most in a month').fill(amount);
    };
    await cap.getByRole('button', { name: 'Set a cap…' }).click();
    await enter('10');
    await page.getByRole('dialog').getByRole('button', { name: 'Set the cap' }).click();
    await until(async () => (await words(cap)).includes('10.00 WLC left of 10.00 WLC'), { name: 'the cap is shown' });
    const wallet = visitors.at(-1)!.wallet;
    const signedBefore = wallet.asked.filter(({ method }) => method === 'eth_signTypedData_v4').length;
    await cap.getByRole('button', { name: 'Change…' }).click();
    await enter('20');
    await page.getByRole('dialog').getByRole('button', { name: 'Sign with the wallet…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Otter Wallet' }).click();
    await until(async () => (await words(cap)).includes('of 20.00 WLC'), { name: 'the cap is raised' });
    const signed = wallet.asked.filter(({ method }) => method === 'eth_signTypedData_v4').length;
    expect(signed).toBe(signedBefore + 1);
    await cap.getByRole('button', { name: 'Remove…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Otter Wallet' }).click();
    await cap.getByText('There is none').waitFor();
    const { monthly_cap: left } = await (await site.client(account)).money.balance();
    expect(left).toBeNull();
  });

  test('an order that takes a login to 80 % of its cap is told on the page', async () => {
    const account = newWallet();
    const client = await site.client(account);
    await client.money.setMonthlyCap(35n * 10n ** 17n);
    const page = await open('', account);
    // It is told by an event, and events from before the broker has answered this page are on no stream of it.
    const followed = page.waitForResponse(
      (response) => response.url().endsWith('/api/v1/events') && page.url().endsWith('/console/cost'),
    );
    await page.goto('/console/cost');
    await followed;
    await page.getByRole('region', { name: 'Monthly cap' }).getByText('left of').waitFor();
    // It is said for some seconds, and a start may take longer.
    const told = page
      .getByRole('status')
      .getByText(/of the monthly cap is used/)
      .first()
      .waitFor();
    const [job] = await Promise.all([client.jobs.rentAndWait(order()), told]);
    await page.getByText(/% are used/).waitFor();
    await client.jobs.end(job.job_id, { wait: 30 });
  });

  test('an owner sees what an ended job earned, less the fee, and verifies its receipt', async () => {
    const owner = await site.client(machine.owner);
    const page = await open('provider?view=earnings', machine.owner);
    await page.getByRole('radio', { name: 'by job' }).check();
    const table = page.getByRole('table', { name: 'Earned by job' });
    const rows = table.getByRole('row').filter({ hasText: machine.providerId });
    await until(async () => (await rows.count()) >= 2, { name: 'both jobs are listed' });
    const earnings = await owner.providers.earnings();
    expect(BigInt(earnings.total['fee'] as never)).toBeGreaterThan(0n);
    await page.getByText('To be paid to you').waitFor();
    await page.getByRole('tab', { name: 'Receipts' }).click();
    await page.getByRole('button', { name: 'Verify all' }).click();
    await page.getByText(/receipts: nothing is wrong/).waitFor();
    const { digest } = await customer.receipts.ofJob(jobs[1]!);
    await page.getByRole('link', { name: `…${digest.slice(-6)}` }).click();
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('Nothing is wrong, but not everything could be checked').waitFor();
  });

  test('an operator refunds a part with a reason: more than the charge is refused, and the customer sees revision 1', async () => {
    const id = jobs[0]!;
    const page = await operate(`jobs&job=${id}`);
    await page.getByRole('button', { name: 'Refund…' }).click();
    const sheet = page.getByRole('dialog', { name: /Refund job/ });
    await sheet.getByLabel('Amount', { exact: true }).fill('1000');
    await sheet.getByLabel('Reason').fill('the disk was slow');
    await sheet.getByRole('button', { name: /^Refund 1.000 WLC/ }).click();
    await sheet
      .getByRole('alert')
      .getByText(/the job cost \d+ base units/)
      .first()
      .waitFor();
    await sheet.getByRole('radio', { name: 'base units' }).check();
    await sheet.getByLabel('Amount', { exact: true }).fill('1000');
    await sheet.getByText('0.000000000000001 WLC').first().waitFor();
    // The first answer is lost on its way: what is pressed again books nothing twice.
    let isLost = false;
    await page.route('**/refunds', async (route) => {
      if (isLost) return await route.continue();
      isLost = true;
      await route.fetch();
      await route.abort();
    });
    const send = sheet.getByRole('button', { name: 'Refund 0.000000000000001 WLC' });
    await send.click();
    await sheet.getByRole('alert').waitFor();
    await send.click();
    await sheet.waitFor({ state: 'detached' });
    const receipt = await until(
      async () => {
        const found = await customer.receipts.ofJob(id);
        return found.status === 'signed' ? found : undefined;
      },
      { ...{ timeoutMs: 90_000, budgetMs: 70_000, everyMs: 300, name: 'the refund is signed' } },
    );
    expect(receipt.typed_data.message.revision).toBe(1);

    const reader = await open(`jobs/${id}/receipt`);
    await reader.getByText('this is revision 1').waitFor();
    await reader.getByRole('button', { name: 'Verify' }).click();
    await reader.getByText('Everything in this receipt is right').waitFor();
    await reader.goto('/console/cost?view=statements');
    await bookings(reader).getByRole('row').filter({ hasText: 'Refund' }).getByText('the disk was slow').waitFor();
  }, 240_000);

  test('an operator sees who owes since when and whom to pay, and writes a payout down that the owner reads', async () => {
    const page = await operate('money');
    await page.getByText('They agree').waitFor();
    const debtors = page.getByRole('table', { name: /^Customers who owe/ });
    const short = `${customersWallet.address.slice(0, 6)}…${customersWallet.address.slice(-4)}`.toLowerCase();
    await debtors.getByRole('row').filter({ hasText: short }).waitFor();
    const owner = machine.owner.address.toLowerCase();
    const creditors = page.getByRole('table', { name: /^Wallets of providers/ });
    const row = creditors.getByRole('row').filter({ hasText: `${owner.slice(0, 6)}…${owner.slice(-4)}` });
    await row.getByRole('button', { name: 'I paid it…' }).click();
    const sheet = page.getByRole('dialog', { name: 'Record a payout' });
    await sheet.getByLabel('Reference').fill('bank transfer 7');
    await sheet.getByLabel('Amount', { exact: true }).fill('100000');
    await sheet.getByRole('button', { name: /^Record the payout of/ }).click();
    await sheet.getByRole('alert').waitFor();
    await sheet.getByRole('radio', { name: 'base units' }).check();
    await sheet.getByLabel('Amount', { exact: true }).fill('1234');
    await sheet.getByRole('button', { name: /^Record the payout of/ }).click();
    await sheet.waitFor({ state: 'detached' });

    const reader = await open('provider?view=earnings', machine.owner);
    await reader
      .getByRole('table', { name: /^What you were paid/ })
      .getByText('bank transfer 7')
      .waitFor();
    await page.getByRole('tab', { name: 'Receipts' }).click();
    await page.getByRole('table', { name: /^Receipts of all customers/ }).waitFor();
  });
});
