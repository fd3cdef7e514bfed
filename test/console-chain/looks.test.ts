import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PrivateKeyAccount } from 'viem';
import { browserWallet, type BrowserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { consoleOperator } from '../support/console-stack.js';
import { artifactsFolder, type Machine } from '../support/console.js';
import { keepPicture, seriousFindings, sidewaysScroll } from '../support/looks.js';
import { ed25519Key } from '../support/ssh-key.js';
import { connectWallet, shellOf, walletDialogOf } from '../console/pages/shell.js';
import { openChainSite, type ChainSite } from './pages/chain-site.js';

const token = 1_000_000n;
const themes = ['light', 'dark'] as const;
const widths = [320, 390, 1440];

(await describeWithChromium())('each page of a broker with a chain, in both themes and three widths', () => {
  let site: ChainSite;
  let machine: Machine;
  let number = 0;
  let owner: BrowserWallet & { account: PrivateKeyAccount };
  let customer: BrowserWallet & { account: PrivateKeyAccount };
  beforeAll(async () => {
    site = await openChainSite();
    owner = await site.wallet(0n);
    customer = await site.wallet(900n * token);
    machine = await site.machine({ gpuPricePerHour: 360, owner: owner.account });
    const elsewhere = await site.client(customer.account);
    await site.deposit(customer.account, elsewhere, 800n * token);
    const { job_id: id } = await elsewhere.jobs.rentAndWait({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 1 },
      ssh_public_keys: [ed25519Key()],
    });
    await elsewhere.jobs.end(id, { wait: 30 });
    number = await site.settled(customer.account, 'final');
  }, browserStartsWithinMs + 240_000);
  afterAll(async () => await site?.close());

  async function look(page: Page, name: string): Promise<string[]> {
    await shellOf(page).heading.waitFor();
    await page.locator('.skeleton').first().waitFor({ state: 'detached' });
    await keepPicture(page, join(artifactsFolder, 'chain'), name);
    const found = [...(await seriousFindings(page)), ...(await sidewaysScroll(page)).map((what) => `scrolls: ${what}`)];
    return found.map((each) => `${name}: ${each}`);
  }

  interface Look {
    name: string;
    path: () => string;
    wallet: () => BrowserWallet;
    ready: (page: Page) => Promise<void>;
  }
  const heading = (name: string | RegExp) => async (page: Page) => {
    await page.getByRole('heading', { name }).first().waitFor();
  };
  const looks: Look[] = [
    {
      ...{ name: 'deposits', path: () => 'deposits?amount=3&need=900000000000000000000', wallet: () => customer },
      ready: heading('Leave without the broker'),
    },
    {
      ...{ name: 'deposit-sheet', path: () => 'deposits?amount=3', wallet: () => customer },
      ready: async (page) => {
        await page.getByRole('button', { name: 'Deposit…' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Otter Wallet' }).waitFor();
      },
    },
    {
      ...{ name: 'cap-sheet', path: () => 'deposits', wallet: () => customer },
      ready: async (page) => {
        await page.getByRole('button', { name: 'Raise…' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Otter Wallet' }).waitFor();
      },
    },
    { name: 'settlements', path: () => 'settlements', wallet: () => customer, ready: heading('All settlements') },
    {
      ...{ name: 'settlement', path: () => `settlements/${number}`, wallet: () => customer },
      ready: async (page) => {
        await page.getByRole('button', { name: 'Check' }).click();
        await page.locator('.checks').waitFor();
      },
    },
    {
      ...{ name: 'earnings', path: () => 'provider?view=earnings', wallet: () => owner },
      ready: heading('On the way to your wallet'),
    },
  ];

  test.each(looks.map((each) => [each.name, each] as const))(
    'everybody can read and use “%s”, and it does not scroll sideways',
    async (name, { path, wallet, ready }) => {
      const found: string[] = [];
      for (const theme of themes) {
        const { page, context, open, seen } = await site.visitor({ theme, wallet: wallet() });
        await open();
        await connectWallet(page);
        for (const width of widths) {
          await page.setViewportSize({ width, height: 900 });
          await open(path());
          await ready(page);
          found.push(...(await look(page, `${name}-${theme}-${width}`)));
        }
        found.push(...seen.complaints.map((text) => `${name}-${theme}: ${text}`));
        await context.close();
      }
      expect(found).toEqual([]);
    },
    180_000,
  );

  test('everybody can read and use what an operator sees of settlements', async () => {
    const found: string[] = [];
    for (const theme of themes) {
      const wallet = browserWallet({ account: consoleOperator, chainId: 31_337 });
      const { page, context, open } = await site.visitor({ theme, wallet });
      await open('operator?view=settlements');
      await page.getByRole('button', { name: 'Sign as an operator' }).click();
      await walletDialogOf(page, 'Sign in as an operator').sign();
      await page.getByRole('heading', { name: 'Frozen wallets' }).waitFor();
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        found.push(...(await look(page, `operator-settlements-${theme}-${width}`)));
      }
      await context.close();
    }
    expect(found).toEqual([]);
  }, 180_000);
});
