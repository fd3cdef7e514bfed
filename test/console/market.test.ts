import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connect, type Offer } from '../../src/client/index.js';
import { browserStartsWithinMs, describeWithChromium } from '../support/chromium.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { until } from '../support/until.js';
import { shellOf, words } from './pages/shell.js';

(await describeWithChromium())('the market, for somebody who only looks', () => {
  let site: OpenConsole;
  let machine: Machine;
  let visitor: Visitor;
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({ gpuPricePerHour: 0.37, region: 'kr-11' });
  }, browserStartsWithinMs);
  afterEach(async () => await visitor?.context.close());
  afterAll(async () => await site?.close());

  async function look(path = '', options = {}) {
    visitor = await site.visitor({ wallets: [], ...options });
    await visitor.open(path);
    return visitor;
  }
  const offers = () => visitor.page.getByRole('table', { name: /^Offers/ }).locator('tbody tr');
  const offerOf = async (providerId: string): Promise<Offer> => {
    for await (const offer of connect({ api: site.api }).offers.list({ gpu: machine.gpuType }))
      if (offer.provider_id === providerId) return offer;
    throw new Error(`${providerId} offers nothing`);
  };

  test('the figures are those of the API, and no wallet is needed', async () => {
    const { page } = await look(`?gpu=${machine.gpuType}`);
    const row = offers().filter({ hasText: machine.providerId });
    await row.waitFor();
    const offer = await offerOf(machine.providerId);
    const shown = await words(row);
    for (const figure of [`${offer.free_gpus} of ${offer.total_gpus}`, '0.37', offer.cuda!, 'kr-11'])
      expect(shown).toContain(figure);
    // Public figures may be seconds old.
    const type = await until(
      async () => {
        const { gpu_types: types } = await connect({ api: site.api }).market.now();
        const found = types.find((each) => each.gpu_type === machine.gpuType);
        return found?.price?.min === 0.37 ? found : undefined;
      },
      { name: 'the figures of the market are as new as the offer' },
    );
    expect([type.free, type.total]).toEqual([4, 4]);
    await shellOf(page).connect.waitFor();
  });

  test('nothing is asked of anybody but the broker, and the browser has nothing to complain about', async () => {
    const { page, seen } = await look();
    await offers().first().waitFor();
    await page.waitForLoadState('networkidle');
    expect(seen.urls.filter((url) => !url.startsWith(`${site.api}/`) && !url.startsWith('data:'))).toEqual([]);
    expect(seen.complaints).toEqual([]);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  test('a filter stands in the address, and can be sent to somebody', async () => {
    const { page } = await look();
    await page.getByLabel('GPU', { exact: true }).selectOption(machine.gpuType);
    await until(async () => (await offers().count()) === 1);
    expect(new URL(page.url()).searchParams.get('gpu')).toBe(machine.gpuType);
    await page.reload();
    await until(async () => (await offers().count()) === 1);
    expect(await words(offers())).toContain(machine.providerId);
  });

  test('a filter that nothing fits says which one it is, and a click takes it away', async () => {
    const { page } = await look(`?gpu=${machine.gpuType}&region=nowhere`);
    await page.getByText('Nothing free fits all of these filters').waitFor();
    await page
      .getByRole('button', { name: /nowhere/ })
      .first()
      .click();
    await until(async () => (await offers().count()) === 1);
  });

  test('a price that changes is shown without a reload', async () => {
    await look(`?gpu=${machine.gpuType}`);
    await offers().first().waitFor();
    await machine.reportPrice(0.39);
    await until(async () => (await words(offers())).includes('0.39'), {
      ...{ timeoutMs: 60_000, budgetMs: 20_000, everyMs: 200, name: 'the new price is on the page' },
    });
    await machine.reportPrice(0.37);
    await until(async () => (await offerOf(machine.providerId)).price_per_gpu_hour === 0.37);
  });

  test('names and regions of strangers run nothing, reorder nothing and load nothing', async () => {
    const hostile = await site.machine({
      gpus: { model: 'NVIDIA <img src=x onerror=alert(1)>', count: 1 },
      region: '<b onclick=x>',
    });
    const { page, seen } = await look(`?gpu=${encodeURIComponent(hostile.gpuType)}`);
    await offers().filter({ hasText: hostile.providerId }).waitFor();
    expect(await words(offers().filter({ hasText: hostile.providerId }))).toContain('<b onclick=x>');
    expect(await page.locator('main img, main [onerror], main [onclick]').count()).toBe(0);
    expect(await page.locator('body').innerText()).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u001b]/);
    expect(seen.complaints).toEqual([]);
  });

  test('an address that no page has says so, at any depth', async () => {
    for (const path of ['nothing', 'provider/a/b']) {
      const { page } = await look(path);
      await page
        .getByText(/There is no page at this address|Nothing here|no page/i)
        .first()
        .waitFor();
      await visitor.context.close();
    }
  });
});
