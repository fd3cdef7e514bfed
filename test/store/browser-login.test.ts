import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import { browserWallet, installWallets } from '../support/browser-wallet.js';
import {
  browserStartsWithinMs,
  describeWithChromium,
  startChromium,
  type Browser,
  type Page,
} from '../support/chromium.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { buildPages } from '../support/pages.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import { startWl, type Wl } from '../support/wl.js';

(await describeWithChromium())('wl login by a wallet in a browser', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let api: Api;
  let chromium: Browser;
  let wl: Wl;
  let tab: Page;
  let folder: string;

  beforeAll(async () => {
    const [{ pages }, port, ...engines] = await Promise.all([buildPages(), freePort(), freshDatabase(), freshRedis()]);
    [database, redis] = engines;
    const env = { PROXY_PORT: String(port), AUTH_AUDIENCE: `http://127.0.0.1:${port}` };
    api = await startApi({ database, redis, env, pages });
    chromium = await startChromium();
    // What `wl` takes for the browser only writes down what it is to open.
    folder = mkdtempSync(join(tmpdir(), 'browser-'));
    const browser = join(folder, 'browser');
    writeFileSync(
      browser,
      `#!/bin/sh\nprintf %s "$1" > '${folder}/opened.tmp' && mv '${folder}/opened.tmp' '${folder}/opened'\n`,
    );
    chmodSync(browser, 0o755);
    wl = await startWl({ BROWSER: browser, WORLDLAND_API: api.url });
  }, browserStartsWithinMs);
  afterEach(async () => await tab?.close());
  afterAll(async () => {
    await chromium?.close();
    wl?.remove();
    rmSync(folder, { recursive: true, force: true });
    await api?.stop();
    await Promise.all([database?.close(), redis?.close()]);
  });

  /** Begins a login, opens the page that it wants opened, and presses a button there. */
  async function login(wallet: ReturnType<typeof browserWallet>, button: string) {
    rmSync(join(folder, 'opened'), { force: true });
    const ended = wl.run(['login', '--spend-limit', '5', '--label', 'a test']);
    await until(() => existsSync(join(folder, 'opened')));
    tab = await chromium.newPage();
    await installWallets(tab, [wallet]);
    await tab.goto(readFileSync(join(folder, 'opened'), 'utf8'));
    const pressed = tab.getByRole('button', { name: button });
    await pressed.waitFor();
    const code = await tab.locator('#code').innerText();
    await pressed.click();
    return { code, run: await ended };
  }

  test('the terminal shows the code of the page, gets its answer once, and is logged in up to the limit', async () => {
    const wallet = browserWallet();
    const { code, run } = await login(wallet, 'Otter Wallet');
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining(code.replaceAll(' ', '-'))]);
    expect(run.stdout).toContain('may spend 5');
    const { stdout } = await wl.run(['whoami', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      wallet: wallet.account.address.toLowerCase(),
      spend_limit: `${5n * 10n ** 18n}`,
    });
  });

  test('who says no in the page ends the wait of the terminal, and nobody is logged in', async () => {
    const { run } = await login(browserWallet(), 'Do not sign');
    expect([run.code, run.stderr]).toEqual([3, expect.stringContaining('refused to sign')]);
  });
});
