import { expect, test } from '@jest/globals';
import { Pool } from 'pg';
import type { WorldLand } from '../../src/client/index.js';
import { describeWithChromium, type Page } from '../support/chromium.js';
import { seriousFindings, sidewaysScroll } from '../support/looks.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { saved } from './pages/saved.js';
import { connectWallet } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

const lineOf = (at: number, text: string) => `2026-01-01T10:00:00.${String(at).padStart(9, '0')}Z ${text}\n`;

(await describeWithChromium())('the log on the page of a job', () => {
  const tests = siteOfTests();

  async function person(
    options = {},
  ): Promise<{ page: Page; elsewhere: WorldLand; open(path: string): Promise<void> }> {
    const visitor = await tests.visit(options);
    await visitor.open();
    await connectWallet(visitor.page);
    const elsewhere = await tests.site.client(visitor.wallet.account as never);
    return { page: visitor.page, elsewhere, open: (path) => visitor.open(path) };
  }

  const rented = async (elsewhere: WorldLand, more: object = {}) =>
    await elsewhere.jobs.rentAndWait({
      ...{ gpu_type: tests.machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
      ...{ duration_hours: 1, ssh_public_keys: [ed25519Key()], ...more },
    });

  /** A job that is over, of whose program the broker has kept a log. */
  async function ended(elsewhere: WorldLand, log: string): Promise<string> {
    const { job_id: id } = await rented(elsewhere, { command: ['sh', '-c', 'python train.py'] });
    await elsewhere.jobs.end(id, { wait: 20 });
    const database = new Pool({ connectionString: tests.site.endpoints.postgres, max: 1 });
    try {
      await database.query(
        `insert into job_logs (job_id, log) values ($1, $2) on conflict (job_id) do update set log = excluded.log`,
        [id, Buffer.from(log)],
      );
    } finally {
      await database.end();
    }
    return id;
  }

  const box = (page: Page) => page.getByRole('log', { name: 'What the job has written' });

  test('is what was kept of it: nothing in it is obeyed, it is searched by words, and saved as a file', async () => {
    const { page, elsewhere, open } = await person();
    const log = [
      lineOf(1, '\u001b[31mepoch 1\u001b[0m loss 0.5'),
      lineOf(2, '<img src=x onerror=alert(1)> epoch 2 loss 0.4'),
      lineOf(3, 'saved'),
    ].join('');
    await open(`jobs/${await ended(elsewhere, log)}`);
    await box(page).waitFor();
    expect(await box(page).innerText()).toMatch(
      /^epoch 1 loss 0\.5\n+<img src=x onerror=alert\(1\)> epoch 2 loss 0\.4\n+saved$/,
    );
    expect(await box(page).locator('img').count()).toBe(0);

    await page.getByLabel('Find in the log').fill('LOSS');
    await page.getByText('2 of 3 lines').waitFor();
    expect(await box(page).locator('mark').allInnerTexts()).toEqual(['loss', 'loss']);

    const file = await saved(page, 'Download');
    expect(file.text).toBe('epoch 1 loss 0.5\n<img src=x onerror=alert(1)> epoch 2 loss 0.4\nsaved\n');
  });

  test('is followed over lost connections, with each line once', async () => {
    const { page, elsewhere, open } = await person();
    const { job_id: id } = await rented(elsewhere);
    const resumed: (string | undefined)[] = [];
    const event = (at: number, text: string) =>
      `id: 2026-01-01T10:00:00.${String(at).padStart(9, '0')}Z_000000\nevent: line\ndata: ${JSON.stringify({ at: '2026-01-01T10:00:00Z', line: text })}\n\n`;
    await page.route(`**/api/v1/jobs/${id}/logs*`, async (route) => {
      resumed.push(route.request().headers()['last-event-id']);
      // Each connection breaks off after what it has sent; the second one begins with a line that was there.
      const body = resumed.length === 1 ? event(1, 'one') + event(2, 'two') : event(2, 'two') + event(3, 'three');
      await route.fulfill({ contentType: 'text/event-stream', body });
    });
    await open(`jobs/${id}`);
    await until(
      async () =>
        (
          await box(page)
            .innerText()
            .catch(() => '')
        ).includes('three'),
      { timeoutMs: 30_000 },
    );
    expect((await box(page).innerText()).split(/\n+/)).toEqual(['one', 'two', 'three']);
    expect(resumed[0]).toBeUndefined();
    expect(resumed[1]).toContain('000000002');
    await elsewhere.jobs.end(id);
  });

  test('stays at its end until somebody scrolls up, and goes on from there by one click', async () => {
    const { page, elsewhere, open } = await person();
    const log = Array.from({ length: 400 }, (_, at) => lineOf(at + 1, `line ${at + 1}`)).join('');
    await open(`jobs/${await ended(elsewhere, log)}`);
    await page.getByText('line 400', { exact: true }).waitFor();
    const atEnd = () =>
      box(page).evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 24);
    await until(atEnd);
    await box(page).focus();
    await page.keyboard.press('Home');
    const toEnd = page.getByRole('button', { name: /^To the end/ });
    await toEnd.waitFor();
    await toEnd.click();
    await until(atEnd);
    expect(await page.getByRole('button', { name: 'Scroll along' }).getAttribute('aria-pressed')).toBe('true');
  });

  test('that a machine does not hand out says so, and what it uses is asked from elsewhere', async () => {
    const { page, elsewhere, open } = await person({ width: 360 });
    const { job_id: id } = await rented(elsewhere);
    await open(`jobs/${id}`);
    await page.getByText(/log in with SSH instead|written nothing so far/).waitFor();
    expect(await sidewaysScroll(page)).toEqual([]);
    expect(await seriousFindings(page)).toEqual([]);
    await elsewhere.jobs.end(id);
  });

  test('another key is let in to the job that runs', async () => {
    const { page, elsewhere, open } = await person();
    const { job_id: id } = await rented(elsewhere);
    await open(`jobs/${id}`);
    await page.getByRole('button', { name: 'Let another key in…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Let another key in' });
    expect(await dialog.getByRole('button', { name: 'Let in', exact: true }).isDisabled()).toBe(true);
    await dialog.getByLabel('Public key').fill(ed25519Key());
    await dialog.getByRole('button', { name: 'Let in', exact: true }).click();
    await page.getByText('The key may log in within two minutes.').waitFor();
    await page
      .getByRole('list', { name: /^Events/ })
      .getByText('an SSH key was added')
      .waitFor();
    await elsewhere.jobs.end(id);
  });
});
