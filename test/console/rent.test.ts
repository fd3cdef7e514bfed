import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { openJobId, rentOf } from './pages/rent.js';
import { connectWallet, shellOf, walletDialogOf, words } from './pages/shell.js';

const hour = 3_600_000;

(await describeWithChromium())('renting', () => {
  let site: OpenConsole;
  let machine: Machine;
  let visitor: Visitor;
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({
      gpus: { model: `NVIDIA RENT-${Date.now() % 100_000}`, count: 8 },
      gpuPricePerHour: 1,
    });
  }, browserStartsWithinMs);
  afterEach(async () => await visitor?.context.close());
  afterAll(async () => await site?.close());

  /** A person who is connected, and the client of the same wallet elsewhere. */
  async function person(limit = '25'): Promise<{ page: Page; elsewhere: WorldLand }> {
    visitor = await site.visitor();
    const { page, wallet } = visitor;
    await visitor.open(`rent?gpu=${machine.gpuType}`);
    await connectWallet(page, { limit });
    return { page, elsewhere: await site.client(wallet.account as never) };
  }

  /** Orders, from the form that is open. */
  async function order(page: Page, { hours = '4', name = 'train' } = {}): Promise<void> {
    const form = rentOf(page);
    await form.key.fill(ed25519Key());
    await form.hours.fill(hours);
    await form.name.fill(name);
    await until(async () => (await form.summary.innerText()).includes('can take this now'));
    await form.rent.click();
  }

  const orderOf = (count = 1) => ({
    ...{ gpu_type: machine.gpuType, gpu_count: count, cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
    ...{ duration_hours: 1, ssh_public_keys: [ed25519Key()] },
  });

  test('a job is ordered, its start is watched, and its login is what the API says', async () => {
    const { page, elsewhere } = await person();
    await order(page);
    const id = await openJobId(page);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    const job = await elsewhere.jobs.get(id);
    expect([job.status, job.job_name]).toEqual(['running', 'train']);
    await page.getByText(job.ssh_command!, { exact: true }).waitFor();
    const events = page.getByRole('list', { name: /^Events/ }).getByRole('listitem');
    // Where no stream is there yet, the job is read before its events.
    const told = await until(
      async () => {
        const text = (await events.allInnerTexts()).reverse().join('\n').toLowerCase();
        return text.includes('ssh') && text;
      },
      { name: 'the events go as far as the login' },
    );
    const order_ = ['order', 'placed', 'ssh'].map((word) => told.indexOf(word));
    expect(order_.every((at, index) => at >= 0 && (index === 0 || at > order_[index - 1]!))).toBe(true);
    expect(visitor.seen.complaints).toEqual([]);
    await elsewhere.jobs.end(id);
  });

  test('the SSH command and the line for known_hosts are copied as they have to be typed', async () => {
    const { page, elsewhere } = await person();
    const { job_id: id } = await elsewhere.jobs.rentAndWait(orderOf());
    await visitor.open(`jobs/${id}`);
    // A browser writes into its clipboard a moment after the click.
    const copied = async (what: string, text: string) => {
      await page.getByRole('button', { name: `Copy ${what}` }).click();
      await until(async () => (await page.evaluate('navigator.clipboard.readText()')) === text, {
        name: `${what} is in the clipboard as it has to be typed`,
      });
    };
    const job = await elsewhere.jobs.get(id);
    await copied('the SSH command', job.ssh_command!);
    await copied('the line for known_hosts', job.known_hosts!);
    await elsewhere.jobs.end(id);
  });

  test('an order above the limit asks for more, and goes on as the same order: one job', async () => {
    const { page, elsewhere } = await person('5');
    await order(page, { hours: '20', name: 'long-one' });
    const { dialog, sign } = walletDialogOf(page, 'Allow more');
    await until(async () => /This needs 2[0-9.]+ WLC, and you have 5\.00 left/.test(await words(dialog)), {
      name: 'the dialog says what the order needs and what is left',
    });
    await sign();
    const id = await openJobId(page);
    await elsewhere.jobs.waitUntil(id, 'running');
    expect((await elsewhere.jobs.list({ name: 'long-one' }).all(10)).map(({ job_id }) => job_id)).toEqual([id]);
    await elsewhere.jobs.end(id);
  });

  test('an order that nobody can take names what would help, and makes no job', async () => {
    const { page, elsewhere } = await person();
    await page.getByLabel('How many GPUs').fill('9');
    const { summary, rent } = rentOf(page);
    await until(async () => /nobody|no machine|none/i.test(await summary.innerText()), { name: 'nobody takes it' });
    expect(await summary.getByRole('button').count()).toBeGreaterThan(0);
    expect(await rent.isDisabled()).toBe(true);
    expect(await elsewhere.jobs.list().all(10)).toEqual([]);
  });

  test('two quick clicks on an extension extend once', async () => {
    const { page, elsewhere } = await person();
    const { job_id: id, expires_at: before } = await elsewhere.jobs.rentAndWait(orderOf());
    await visitor.open(`jobs/${id}`);
    await page.getByRole('button', { name: /^Extend by \+?1 h/ }).dblclick();
    await until(async () => Date.parse((await elsewhere.jobs.get(id)).expires_at!) > Date.parse(before!));
    // Time for a second one to arrive, if there were one.
    await page.waitForTimeout(2_500);
    expect(Date.parse((await elsewhere.jobs.get(id)).expires_at!) - Date.parse(before!)).toBe(hour);
    await elsewhere.jobs.end(id);
  });

  test('a job that ends, here or elsewhere, is over on its page and in the list without a reload', async () => {
    const { page, elsewhere } = await person();
    const first = await elsewhere.jobs.rentAndWait({ ...orderOf(), job_name: 'ends-here' });
    const second = await elsewhere.jobs.rentAndWait({ ...orderOf(), job_name: 'ends-elsewhere' });
    await visitor.open(`jobs/${first.job_id}`);
    await page.getByRole('button', { name: 'End…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End job' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor({ state: 'detached' });
    await until(async () => (await elsewhere.jobs.get(first.job_id)).status === 'cancelled');

    await shellOf(page).places.getByRole('link', { name: 'Jobs' }).click();
    const row = page.getByRole('row').filter({ hasText: 'ends-elsewhere' });
    await until(async () => (await words(row)).includes('running'));
    await elsewhere.jobs.end(second.job_id, { wait: 20 });
    // The row may be gone by the time that it is read.
    await until(async () => !(await row.allInnerTexts()).some((text) => text.includes('running')), {
      name: 'the list follows',
    });
  });

  test('a start that fails says why, and offers what helps', async () => {
    const { page } = await person();
    await visitor.open(`rent?gpu=${machine.gpuType}&image=ghcr.io/example/exits-at-once:1`);
    await order(page, { hours: '1', name: 'fails' });
    await openJobId(page);
    await until(async () => /failed/i.test(await page.locator('main').innerText()), {
      ...{ timeoutMs: 90_000, budgetMs: 30_000, name: 'the page says that it failed' },
    });
    await page
      .getByRole('link', { name: /order again/i })
      .or(page.getByRole('button', { name: /order again/i }))
      .first()
      .waitFor();
  });

  test('a private key that is pasted is caught before it leaves the page', async () => {
    const { page } = await person();
    const secret =
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----';
    await rentOf(page).key.fill(secret);
    await page
      .getByRole('alert')
      .filter({ hasText: /private|secret/i })
      .first()
      .waitFor();
    expect(await rentOf(page).key.inputValue()).toBe('');
  });
});
