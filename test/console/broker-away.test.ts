import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeAtomically } from '../../engines/files.js';
import { startBroker, type RunningBroker } from '../support/broker.js';
import { browserStartsWithinMs, describeWithChromium } from '../support/chromium.js';
import { openConsole, type Machine, type OpenConsole } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { connectWallet } from './pages/shell.js';

const back = { timeoutMs: 100_000, budgetMs: 60_000, everyMs: 200 };

// A broker of its own: others need theirs alive.
(await describeWithChromium())('a console whose broker is killed', () => {
  let broker: RunningBroker;
  let site: OpenConsole;
  let machine: Machine;
  let folder: string;
  beforeAll(async () => {
    broker = await startBroker();
    folder = mkdtempSync(join(tmpdir(), 'console-'));
    const file = join(folder, 'endpoints.json');
    writeAtomically(file, JSON.stringify(broker.endpoints));
    site = await openConsole(file);
    machine = await site.machine();
  }, 4 * browserStartsWithinMs);
  afterAll(async () => {
    await site?.close();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('it says so, keeps what it had, and goes on where it was without a reload', async () => {
    const visitor = await site.visitor();
    const { page } = visitor;
    await visitor.open();
    await connectWallet(page);
    const elsewhere = await site.client(visitor.wallet.account as never);
    const { job_id: id } = await elsewhere.jobs.rentAndWait({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 1 },
      ...{ job_name: 'survivor', ssh_public_keys: [ed25519Key()] },
    });
    await visitor.open(`jobs/${id}`);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.evaluate('globalThis.isSamePage = true');

    await broker.stack.halt('api');
    await page.getByText('The broker does not answer.').waitFor({ timeout: 100_000 });
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(await page.getByRole('button', { name: 'End…' }).isDisabled()).toBe(true);

    await broker.stack.resume('api');
    await until(async () => (await page.getByText('The broker does not answer.').count()) === 0, back);
    await until(async () => await page.getByRole('button', { name: 'End…' }).isEnabled(), back);
    // What happens from now on arrives.
    await elsewhere.jobs.end(id, { wait: 20 });
    await page.getByRole('heading', { name: 'Log in' }).waitFor({ state: 'detached', timeout: 100_000 });
    expect(await page.evaluate('globalThis.isSamePage')).toBe(true);
    await visitor.context.close();
  }, 400_000);
});
