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
    return { visitor, sizes };
  }

  test('the first page needs few requests, little script and little style before it shows the market', async () => {
    // All that the page asks for before it can ask for offers: what comes once it is drawn is none of it, however long
    // this machine takes.
    const before = new Set<string>();
    const { visitor, sizes } = await load(async ({ page }) => {
      let isAsked = false;
      page.on('request', (request) => {
        const { pathname } = new URL(request.url());
        isAsked ||= pathname === '/api/v1/offers';
        if (!isAsked) before.add(pathname);
      });
      await page.goto('/console/', { waitUntil: 'load' });
      await page.getByRole('table', { name: /^Offers/ }).waitFor();
    });
    const first = [...before].filter((name) => name.startsWith('/console/') && !name.endsWith('.svg'));
    console.log(first.map((name) => `${sizes.get(name)!.kb.toFixed(1).padStart(6)} KB  ${name}`).join('\n'));
    const sum = (fits: RegExp) =>
      first.filter((name) => fits.test(name)).reduce((all, name) => all + sizes.get(name)!.kb, 0);
    expect(sum(/\.js$/)).toBeGreaterThan(0);
    expect(sum(/\.js$/)).toBeLessThanOrEqual(consoleBudgets.firstScriptKb);
    expect(sum(/\.css$/)).toBeLessThanOrEqual(consoleBudgets.firstStyleKb);
    expect(first.length).toBeLessThanOrEqual(consoleBudgets.firstRequests);
    await visitor.context.close();
  });

  test('the part that asks wallets, and the chart, come later and keep to their budgets', async () => {
    type Act = (visitor: Visitor, asked: ReadonlySet<string>) => Promise<void>;
    const later = async (act: Act, wallet = browserWallet()) => {
      const asked = new Set<string>();
      const { visitor, sizes } = await load(async (open) => {
        open.page.on('request', (request) => void asked.add(new URL(request.url()).pathname));
        await open.open(chartOf);
        await act(open, asked);
      }, wallet);
      await visitor.context.close();
      return { asked, scripts: [...sizes].filter(([name]) => name.endsWith('.js')) };
    };
    const { asked: known, scripts: withChart } = await later(async ({ page }, asked) => {
      await page
        .getByRole('img', { name: /^Price and free GPUs/ })
        .locator('canvas')
        .first()
        .waitFor();
      // It comes to every page that is quiet for a while, and is no part of what a wallet costs.
      await until(() => [...asked].some((name) => name.includes('/error-details')), { name: 'the page is quiet' });
    });
    const chart = withChart.filter(([name]) => /chart|uplot/i.test(name));
    expect(chart).not.toEqual([]);
    expect(chart.reduce((all, [, { kb }]) => all + kb, 0)).toBeLessThanOrEqual(consoleBudgets.chartKb);

    // Its person says no, so that nothing is loaded for who is connected.
    const refusing = browserWallet({ refuses: ['eth_signTypedData_v4'] });
    const { scripts: withWallet } = await later(async ({ page }) => {
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
