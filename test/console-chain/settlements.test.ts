import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { PrivateKeyAccount } from 'viem';
import type { Settlement } from '../../src/client/index.js';
import { browserStartsWithinMs, describeWithChromium } from '../support/chromium.js';
import { browserWallet, type BrowserWallet } from '../support/browser-wallet.js';
import { consoleOperator } from '../support/console-stack.js';
import type { Machine, Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { connectWallet, walletDialogOf, words } from '../console/pages/shell.js';
import { finalWithin, openChainSite, type ChainSite } from './pages/chain-site.js';
import { sendIn } from './pages/deposits.js';

const token = 1_000_000n;

(await describeWithChromium())('settlements on the pages', () => {
  let site: ChainSite;
  let machine: Machine;
  let owner: BrowserWallet & { account: PrivateKeyAccount };
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    site = await openChainSite();
    owner = await site.wallet(0n);
    machine = await site.machine({ gpuPricePerHour: 360, owner: owner.account });
  }, browserStartsWithinMs);
  afterEach(async () => {
    for (const { context } of visitors.splice(0)) await context.close();
  });
  afterAll(async () => await site?.close());

  async function visit(wallet: BrowserWallet, path: string): Promise<Visitor> {
    const visitor = await site.visitor({ wallet });
    visitors.push(visitor);
    await visitor.open();
    await connectWallet(visitor.page);
    await visitor.open(path);
    return visitor;
  }

  /** Somebody rents the machine for some seconds, at a token each ten seconds, and pays from a deposit. */
  async function usedBySomebody(): Promise<BrowserWallet & { account: PrivateKeyAccount }> {
    const wallet = await site.wallet(800n * token);
    const elsewhere = await site.client(wallet.account, ['jobs:read', 'jobs:write']);
    await site.deposit(wallet.account, elsewhere, 800n * token);
    const { job_id: id } = await elsewhere.jobs.rentAndWait({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 1 },
      ssh_public_keys: [ed25519Key()],
    });
    await elsewhere.jobs.end(id, { wait: 30 });
    return wallet;
  }

  test('a settlement is checked against the vault with one’s own line in it, and the earnings get into the wallet', async () => {
    const customer = await usedBySomebody();
    const number = await site.settled(customer.account, 'final');
    let tell: () => void = () => undefined;
    const named = new Promise<void>((done) => (tell = done));
    customer.before = async (method) => (method === 'eth_accounts' ? await named : undefined);
    const { page } = await visit(customer, 'settlements');
    await page.getByRole('link', { name: `Settlement ${number}`, exact: true }).click();
    const own = page
      .getByRole('table', { name: /drawn in all/ })
      .getByRole('row')
      .filter({ hasText: 'you' });
    await own.waitFor();
    // The wallet takes its time to name its account to the page, and somebody is quicker than it.
    await page.getByRole('button', { name: 'Check' }).click();
    tell();
    await page.getByText('What the vault has is what stands here').waitFor();
    expect(await page.locator('.checks li').filter({ hasText: '✓' }).count()).toBe(4);

    const { page: owners } = await visit(owner, 'provider?view=earnings');
    const way = owners.getByRole('region', { name: 'On the way to your wallet' });
    await way.getByRole('button', { name: 'Take it out…' }).click();
    await sendIn(owners, 'Take your earnings out');
    await until(async () => (await site.tokensOf(owner.account)) > 0n, finalWithin);
    const [credited, withdrawn] = await site.read<[bigint, bigint]>('payees', [owner.account.address]);
    expect([withdrawn, await site.tokensOf(owner.account)]).toEqual([credited, credited]);
    await until(async () => (await words(way)).includes('taken out so far'), finalWithin);
  }, 300_000);

  test('a settlement whose line was changed on its way to the page is found out', async () => {
    const customer = await usedBySomebody();
    const number = await site.settled(customer.account, 'final');
    const visitor = await visit(customer, '');
    await visitor.page.route(`**/api/v1/settlements/${number}`, async (route) => {
      const reply = await route.fetch();
      const settlement = (await reply.json()) as Settlement;
      const [line] = settlement.draws;
      line!.cumulative = (BigInt(line!.cumulative) + 1n).toString();
      await route.fulfill({ response: reply, json: settlement });
    });
    await visitor.open(`settlements/${number}`);
    await visitor.page.getByRole('button', { name: 'Check' }).click();
    await visitor.page.getByText('What stands here is not what the vault has').waitFor();
    await visitor.page.getByText('Its lines have another hash than the broker gives').waitFor();
  }, 300_000);

  test('an operator reads that a veto has stopped settlements, and lets them go on with a reason', async () => {
    const customer = await usedBySomebody();
    const number = await site.settled(customer.account, 'proposed');
    await site.callAs('guardian', 'veto', [BigInt(number)]);
    const visitor = await site.visitor({ wallet: browserWallet({ account: consoleOperator, chainId: 31_337 }) });
    visitors.push(visitor);
    const { page } = visitor;
    await visitor.open('operator?view=settlements');
    await page.getByRole('button', { name: 'Sign as an operator' }).click();
    await walletDialogOf(page, 'Sign in as an operator').sign();
    const stopped = page.getByRole('region', { name: 'Settlements are stopped' });
    await until(() => stopped.isVisible(), { ...finalWithin, name: 'the veto is seen' });
    expect(await words(stopped)).toContain('The guardian vetoed a settlement.');
    await stopped.getByRole('button', { name: 'Let them go on…' }).click();
    const sheet = page.getByRole('dialog', { name: 'Let settlements go on' });
    await sheet.getByLabel('What you found, and why they may go on').fill('the guardian was out of date');
    await sheet.getByRole('button', { name: 'Let them go on' }).click();
    await stopped.waitFor({ state: 'detached' });
    await page.getByRole('tab', { name: 'Audit' }).click();
    await page.getByText('the guardian was out of date').first().waitFor();
    await site.settled(customer.account, 'final');
  }, 300_000);
});
