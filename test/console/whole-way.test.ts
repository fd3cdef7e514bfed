import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { browserStartsWithinMs, describeWithChromium, type Locator, type Page } from '../support/chromium.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { arrowTo, hasFocus, press, tabTo } from './pages/keys.js';
import { click } from './pages/mouse.js';
import { openJobId, rentOf } from './pages/rent.js';
import { shellOf, walletDialogOf, words } from './pages/shell.js';

/** How somebody reaches a place: what differs between a mouse and a keyboard, and nothing else. */
interface Hand {
  /** Presses a button, link or radio button. */
  use(target: Locator): Promise<void>;
  /** Chooses one of several, of which another one is chosen. */
  choose(target: Locator): Promise<void>;
  /** Writes into a field. */
  write(target: Locator, text: string): Promise<void>;
}

(await describeWithChromium())('a customer', () => {
  let site: OpenConsole;
  let machine: Machine;
  let visitor: Visitor;
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({ gpuPricePerHour: 3_600 });
  }, browserStartsWithinMs);
  afterEach(async () => await visitor?.context.close());
  afterAll(async () => await site?.close());

  const mouse = (page: Page): Hand => ({
    use: async (target) => await click(page, target),
    choose: async (target) => await click(page, target),
    async write(target, text) {
      await click(page, target);
      await page.keyboard.insertText(text);
    },
  });
  const keyboard = (page: Page): Hand => ({
    use: async (target) => await press(page, target),
    choose: async (target) => await arrowTo(page, target),
    async write(target, text) {
      await tabTo(page, target);
      await page.keyboard.insertText(text);
    },
  });

  /** From the market to a job that runs. */
  async function rent(page: Page, { use, write }: Hand): Promise<string> {
    const offer = page.getByRole('row').filter({ hasText: machine.providerId }).getByRole('link', { name: /rent/i });
    await use(offer.first());
    await page.getByRole('heading', { name: 'Summary' }).waitFor();
    const form = rentOf(page);
    await write(form.key, ed25519Key());
    await until(async () => (await form.summary.innerText()).includes('can take this now'));
    await use(form.rent);
    const id = await openJobId(page);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    const events = page.getByRole('list', { name: /^Events/ });
    for (const step of [/ordered/, /placed/, /SSH answers/]) await events.getByText(step).waitFor();
    return id;
  }

  test.each([
    ['a mouse', mouse],
    ['the keyboard alone', keyboard],
  ])(
    'connects, rents, watches it start, copies SSH, extends, ends and sees the cost with %s',
    async (_name, handOf) => {
      visitor = await site.visitor();
      const { page, wallet } = visitor;
      const hand = handOf(page);
      await visitor.open(`?gpu=${machine.gpuType}`);
      await page.getByRole('row').filter({ hasText: machine.providerId }).waitFor();

      await hand.use(shellOf(page).connect);
      const connecting = walletDialogOf(page, 'Connect a wallet');
      await hand.choose(connecting.limit('Other'));
      await hand.write(connecting.own, '20000');
      await hand.use(connecting.wallet('Otter Wallet'));
      await connecting.dialog.waitFor({ state: 'detached' });
      await shellOf(page).wallet.waitFor();

      const id = await rent(page, hand);
      const elsewhere = await site.client(wallet.account as never);
      const job = await elsewhere.jobs.get(id);
      await page.getByRole('link', { name: /job runs/ }).waitFor();

      // It is said for two seconds, so who waits for it begins before.
      const copied = page.getByText('✓ Copied').waitFor();
      await Promise.all([copied, hand.use(page.getByRole('button', { name: 'Copy the SSH command' }))]);
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe(job.ssh_command);

      const extend = page.getByRole('button', { name: /^Extend by \+?1 h/ });
      await hand.use(extend);
      await page
        .getByText(/extended by 1 h/)
        .first()
        .waitFor();
      const longer = await elsewhere.jobs.get(id);
      expect(Date.parse(longer.expires_at!) - Date.parse(job.expires_at!)).toBe(3_600_000);

      await hand.use(page.getByRole('button', { name: 'End…', exact: true }));
      const sheet = page.getByRole('dialog', { name: /^End / });
      await sheet.getByText(/You pay for the time until now/).waitFor();
      await hand.use(sheet.getByRole('button', { name: 'End job' }));
      await sheet.waitFor({ state: 'detached' });
      // The button that opened it is gone: who goes on from here is at the heading, and not at the top of the window.
      await until(() => hasFocus(shellOf(page).heading), { name: 'the focus is at the heading' });
      await page
        .getByRole('button', { name: /order again/i })
        .or(page.getByRole('link', { name: /order again/i }))
        .first()
        .waitFor();

      await hand.use(shellOf(page).places.getByRole('link', { name: 'Cost' }));
      const paid = page.getByRole('row').filter({ hasText: machine.providerId }).first();
      await until(async () => !/ 0\.00 WLC| not yet /.test(` ${await words(paid)} `), {
        name: 'what the job cost is shown',
      });
      expect(visitor.seen.complaints).toEqual([]);
    },
    240_000,
  );
});
