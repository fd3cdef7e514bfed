import { expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { describeWithChromium, type Page } from '../support/chromium.js';
import type { Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { connectWallet, shellOf, walletDialogOf, words } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

/** How often the market is read again, and a pause after failures. */
const readAgain = { timeoutMs: 90_000, budgetMs: 40_000, everyMs: 200 };

(await describeWithChromium())('a console whose requests fail', () => {
  const at = siteOfTests();
  let visitor: Visitor;

  async function look(path = ''): Promise<Page> {
    visitor = await at.visit();
    await visitor.open(path);
    return visitor.page;
  }
  const offer = (page: Page) => page.getByRole('row').filter({ hasText: at.machine.providerId }).first();
  const main = async (page: Page) => await page.locator('main').innerText();
  const problem = (status: number, code: string, more: object = {}) => ({
    status,
    contentType: 'application/problem+json',
    headers: { 'x-request-id': 'fa017000-0000-4000-8000-000000000000' },
    body: JSON.stringify({
      ...{ type: `/docs/errors/${code}`, title: code, status, detail: `injected ${code}`, code },
      ...{ request_id: 'fa017000-0000-4000-8000-000000000000', ...more },
    }),
  });
  const orderOf = () => ({
    ...{ gpu_type: at.machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
    ...{ duration_hours: 1, ssh_public_keys: [ed25519Key()] },
  });

  test('an answer that takes long shows what is being read, and then what was read', async () => {
    visitor = await at.visit();
    const { page } = visitor;
    let answer: () => void = () => undefined;
    const held = new Promise<void>((done) => (answer = done));
    await page.route('**/api/v1/offers*', async (route) => {
      await held;
      await route.continue().catch(() => undefined);
    });
    await visitor.open(`?gpu=${at.machine.gpuType}`);
    await shellOf(page).heading.waitFor();
    expect(await offer(page).count()).toBe(0);
    answer();
    await offer(page).waitFor();
  });

  test('a 500 says its request’s id, keeps what was there, and heals by itself', async () => {
    const page = await look(`?gpu=${at.machine.gpuType}`);
    await offer(page).waitFor();
    await page.route('**/api/v1/offers*', (route) => route.fulfill(problem(500, 'internal_error')));
    await until(async () => (await main(page)).includes('fa017000'), { ...readAgain, name: 'the failure is shown' });
    expect(await offer(page).count()).toBe(1);
    await page.unroute('**/api/v1/offers*');
    await until(async () => !(await main(page)).includes('fa017000'), { ...readAgain, name: 'the failure is gone' });
    await offer(page).waitFor();
  });

  test('a 429 counts down, and reads again when the time is over', async () => {
    visitor = await at.visit();
    const { page } = visitor;
    await page.route('**/api/v1/offers*', (route) =>
      route.fulfill({
        ...problem(429, 'rate_limited', {
          retry_after_s: 70,
          limit: 'reads',
          per: 'address',
          allowed: 1,
          window_s: 60,
        }),
        headers: { 'retry-after': '70' },
      }),
    );
    await visitor.open(`?gpu=${at.machine.gpuType}`);
    await until(async () => /again in \d+ s/.test(await main(page)), { ...readAgain, name: 'it counts down' });
    // All of an alert is read out again when something in it changes: each second, with the countdown in it.
    expect(await page.getByRole('alert').allInnerTexts()).toEqual([expect.not.stringContaining('again in')]);
    await page.unroute('**/api/v1/offers*');
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await offer(page).waitFor();
  });

  test('without a network the page says so, keeps what it had with its age, and queues no action', async () => {
    const page = await look();
    await connectWallet(page);
    await visitor.open(`rent?gpu=${at.machine.gpuType}`);
    await page.getByRole('button', { name: /^Rent$/ }).waitFor();
    await visitor.context.setOffline(true);
    await page.getByText('You are offline.').waitFor();
    expect(await page.getByRole('button', { name: /^Rent$/ }).isDisabled()).toBe(true);
    await visitor.context.setOffline(false);
    await page.getByText('You are offline.').waitFor({ state: 'detached' });
  });

  test('a broker that does not answer is said once, and the page goes on by itself when it does again', async () => {
    const page = await look(`?gpu=${at.machine.gpuType}`);
    await offer(page).waitFor();
    await page.route('**/api/v1/**', (route) => route.abort('connectionrefused'));
    await page.getByText('The broker does not answer.').waitFor({ timeout: 60_000 });
    expect(await page.getByText('The broker does not answer.').count()).toBe(1);
    expect(await offer(page).count()).toBe(1);
    await page.unroute('**/api/v1/**');
    await until(async () => (await page.getByText('The broker does not answer.').count()) === 0, readAgain);
  });

  test('a stream that breaks goes on after the last event that was seen: none is missing, none comes twice', async () => {
    const page = await look();
    await connectWallet(page);
    const elsewhere: WorldLand = await at.site.client(visitor.wallet.account as never);
    const asked: (string | undefined)[] = [];
    let isCut = false;
    await page.route('**/api/v1/events*', async (route) => {
      asked.push(route.request().headers()['last-event-id'] ?? new URL(route.request().url()).search);
      if (isCut) await route.abort('connectionreset');
      else await route.continue();
    });
    const { job } = await elsewhere.jobs.create(orderOf(), { wait: 0 });
    await visitor.open(`jobs/${job.job_id}`);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    isCut = true;
    await visitor.context.setOffline(true);
    await elsewhere.jobs.extend(job.job_id, { hours: 1 });
    isCut = false;
    await visitor.context.setOffline(false);
    const events = page.getByRole('list', { name: /^Events/ }).getByRole('listitem');
    await until(async () => (await events.allInnerTexts()).some((text) => /extended/i.test(text)), readAgain);
    const there = await elsewhere.jobs.events(job.job_id)[Symbol.asyncIterator]().next();
    expect(there.done).toBe(false);
    const texts = await events.allInnerTexts();
    expect(texts.filter((text) => /extended/i.test(text))).toHaveLength(1);
    expect(new Set(texts).size).toBe(texts.length);
    await elsewhere.jobs.end(job.job_id);
  });

  test('a login that ends in the middle of an action asks the wallet, and then the action goes on', async () => {
    const page = await look();
    await connectWallet(page);
    const elsewhere = await at.site.client(visitor.wallet.account as never);
    const { job_id: id, expires_at: before } = await elsewhere.jobs.rentAndWait(orderOf());
    await visitor.open(`jobs/${id}`);
    const extend = page.getByRole('button', { name: /^Extend by \+?1 h/ });
    await extend.waitFor();
    const stored = await page.evaluate<string>(
      'Object.values(sessionStorage).find((text) => text.includes("sessionId"))',
    );
    const { sessionId } = JSON.parse(stored) as { sessionId: string };
    await elsewhere.sessions.revoke(sessionId);
    await extend.click();
    await walletDialogOf(page, 'Connect again').sign();
    await until(async () => Date.parse((await elsewhere.jobs.get(id)).expires_at!) > Date.parse(before!), {
      name: 'the extension that was asked for is there',
    });
    await elsewhere.jobs.end(id);
  });

  test('a session that another tab ends is said in this one', async () => {
    const page = await look();
    await connectWallet(page);
    const tab = await visitor.context.newPage();
    await tab.goto('/console/');
    await connectWallet(tab);
    const stored = await page.evaluate<string>(
      'Object.values(sessionStorage).find((text) => text.includes("sessionId"))',
    );
    const { sessionId } = JSON.parse(stored) as { sessionId: string };
    await tab.goto('/console/account');
    const row = tab
      .getByRole('row')
      .filter({ hasText: sessionId.slice(-4) })
      .first();
    await row
      .or(tab.getByRole('button', { name: /end/i }).first())
      .first()
      .waitFor();
    const other = await at.site.client(visitor.wallet.account as never);
    await other.sessions.revoke(sessionId);
    await shellOf(page).places.getByRole('link', { name: 'Jobs' }).click();
    await page.getByText('Your login has ended,').waitFor();
    expect(await words(shellOf(tab).wallet)).toContain('0x');
  });
});
