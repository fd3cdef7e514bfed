import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import {
  browserStartsWithinMs,
  describeWithChromium,
  startChromium,
  type Browser,
  type Page,
} from '../support/chromium.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { putManyOffers } from '../support/many-offers.js';
import { buildPages } from '../support/pages.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const offers = 10_000;
/** What a page of the console may draw, however much there is. */
const mostRows = 1_000;
const mostElements = 40_000;
/** One answer of the list, before it is compressed. */
const mostBytes = 200_000;

(await describeWithChromium())(`a market of ${offers} offers`, () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let api: Api;
  let browser: Browser;
  let page: Page;
  const answers: { path: string; bytes: number }[] = [];

  beforeAll(async () => {
    const [{ pages }, port, ...engines] = await Promise.all([buildPages(), freePort(), freshDatabase(), freshRedis()]);
    [database, redis] = engines;
    await putManyOffers(database.pool, offers);
    const env = { PROXY_PORT: String(port), AUTH_AUDIENCE: `http://127.0.0.1:${port}` };
    api = await startApi({ database, redis, env, pages });
    browser = await startChromium();
    page = await browser.newPage();
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (!pathname.startsWith('/api/')) return;
      void response.body().then(
        ({ length }) => void answers.push({ path: pathname, bytes: length }),
        () => undefined,
      );
    });
  }, browserStartsWithinMs);
  // Without the filters of another test.
  beforeEach(async () => void (await page.goto(`${api.url}/console/`)));
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
    await Promise.all([database?.close(), redis?.close()]);
  });

  const rows = () =>
    page
      .getByRole('table', { name: /^Offers/ })
      .locator('tbody tr')
      .count();

  test('the page shows a part of them, and neither its answers nor its rows grow with the market', async () => {
    await until(async () => (await rows()) > 0, { name: 'offers are shown' });
    expect(await rows()).toBeLessThanOrEqual(100);
    const more = page.getByRole('button', { name: 'Show more' });
    for (let clicks = 0; clicks < 12 && (await more.isVisible()); clicks += 1) {
      const before = await rows();
      await more.click();
      await until(async () => (await rows()) > before || !(await more.isVisible()), { name: 'more offers are shown' });
    }
    expect(await rows()).toBeGreaterThan(100);
    expect(await rows()).toBeLessThanOrEqual(mostRows);
    expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(mostElements);
    expect(answers.filter(({ bytes }) => bytes > mostBytes)).toEqual([]);
  });

  test('a filter finds those among all of them that are on no page that was shown', async () => {
    await page.getByLabel('Price, at most').fill('0.4');
    await until(
      async () => {
        const cheapest = await page
          .getByRole('table', { name: /^Offers/ })
          .locator('tbody tr')
          .allInnerTexts();
        return cheapest.length > 0 && cheapest.every((text) => text.includes('0.40'));
      },
      { name: 'only the cheapest are shown' },
    );
  });
});
