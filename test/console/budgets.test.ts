import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium } from '../support/chromium.js';
import { consoleBudgets } from '../support/console-budgets.js';
import { openConsole, type OpenConsole, type Visitor } from '../support/console.js';
import { until } from '../support/until.js';
import { shellOf, walletDialogOf } from './pages/shell.js';

/** The sum of all shifts of the layout that nobody asked for. */
const mostShift = 0.02;

(await describeWithChromium())('what the console costs to load', () => {
  let site: OpenConsole;
  /** The market with a chart: one of nothing is not drawn. */
  let chartOf: string;
  beforeAll(async () => {
    site = await openConsole();
    const { gpuType } = await site.machine();
    chartOf = `?chart=${gpuType}`;
    await site.sampleMarket(gpuType);
  }, browserStartsWithinMs);
  afterAll(async () => await site?.close());

  /** The files that a page asks for, by name, with their compressed sizes; until it is quiet. */
  async function load(what: (open: Visitor) => Promise<void>, wallet = browserWallet()) {
    const visitor = await site.visitor({ wallet });
    const sizes = new Map<string, { kb: number; atMs: number }>();
    const began = Date.now();
    const reading: Promise<void>[] = [];
    visitor.page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      // A stream of events has no end.
      if (!pathname.startsWith('/console/')) return;
      const read = async () => {
        const body = await response.body().catch(() => Buffer.alloc(0));
        sizes.set(pathname, { kb: gzipSync(body, { level: 9 }).length / 1024, atMs: Date.now() - began });
      };
      reading.push(read());
    });
    await what(visitor);
    await Promise.all(reading);
    const sum = (fits: RegExp) =>
      [...sizes].filter(([name]) => fits.test(name)).reduce((all, [, { kb }]) => all + kb, 0);
    return { visitor, sizes, sum };
  }

  test('the first page needs few requests, little script and little style before it shows the market', async () => {
    const { visitor, sizes, sum } = await load(async ({ page }) => {
      await page.goto('/console/', { waitUntil: 'load' });
    });
    const first = [...sizes.keys()].filter((name) => name.startsWith('/console/') && !name.endsWith('.svg'));
    console.log(first.map((name) => `${sizes.get(name)!.kb.toFixed(1).padStart(6)} KB  ${name}`).join('\n'));
    expect(sum(/\.js$/)).toBeLessThanOrEqual(consoleBudgets.firstScriptKb);
    expect(sum(/\.css$/)).toBeLessThanOrEqual(consoleBudgets.firstStyleKb);
    expect(first.length).toBeLessThanOrEqual(consoleBudgets.firstRequests);
    await visitor.context.close();
  });

  test('the part that asks wallets, and the chart, come later and keep to their budgets', async () => {
    const later = async (act: (visitor: Visitor) => Promise<void>, wallet = browserWallet()) => {
      const seen = new Set<string>();
      const { visitor, sizes } = await load(async (open) => {
        open.page.on('request', (request) => void seen.add(new URL(request.url()).pathname));
        await open.open(chartOf);
        await act(open);
      }, wallet);
      await visitor.context.close();
      return [...sizes].filter(([name]) => name.endsWith('.js'));
    };
    const withChart = await later(async ({ page }) => {
      await page
        .getByRole('img', { name: /^Price and free GPUs/ })
        .locator('canvas')
        .first()
        .waitFor();
    });
    const chart = withChart.filter(([name]) => /chart|uplot/i.test(name));
    expect(chart).not.toEqual([]);
    expect(chart.reduce((all, [, { kb }]) => all + kb, 0)).toBeLessThanOrEqual(consoleBudgets.chartKb);

    const known = new Set(withChart.map(([name]) => name));
    // Its person says no, so that nothing is loaded for who is connected.
    const refusing = browserWallet({ refuses: ['eth_signTypedData_v4'] });
    const withWallet = await later(async ({ page }) => {
      await shellOf(page).connect.click();
      const { wallet, failure } = walletDialogOf(page);
      await wallet('Otter Wallet').click();
      await failure.waitFor();
    }, refusing);
    const wallet = withWallet.filter(([name]) => !known.has(name));
    console.log(wallet.map(([name, { kb }]) => `${kb.toFixed(1).padStart(6)} KB  ${name}`).join('\n'));
    expect(wallet).not.toEqual([]);
    expect(wallet.reduce((all, [, { kb }]) => all + kb, 0)).toBeLessThanOrEqual(consoleBudgets.walletKb);
  });

  test('nothing on the first page jumps while it loads', async () => {
    const visitor = await site.visitor({ width: 1440 });
    await visitor.page.addInitScript(`
      globalThis.shifted = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifted += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    `);
    await visitor.open(chartOf);
    await visitor.page
      .getByRole('img', { name: /^Price and free GPUs/ })
      .locator('canvas')
      .first()
      .waitFor();
    await until(async () => (await visitor.page.getByRole('table', { name: /^Offers/ }).count()) > 0);
    expect(await visitor.page.evaluate<number>('shifted')).toBeLessThanOrEqual(mostShift);
    await visitor.context.close();
  });
});
