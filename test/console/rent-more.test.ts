import { expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { describeWithChromium, type Page } from '../support/chromium.js';
import { seriousFindings, sidewaysScroll } from '../support/looks.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { openJobId, rentOf } from './pages/rent.js';
import { connectWallet, words } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

(await describeWithChromium())('an order with more than a machine', () => {
  const tests = siteOfTests();

  async function person(more = '', options = {}): Promise<{ page: Page; elsewhere: WorldLand }> {
    const visitor = await tests.visit(options);
    await visitor.open(`rent?gpu=${tests.machine.gpuType}${more}`);
    await connectWallet(visitor.page);
    return { page: visitor.page, elsewhere: await tests.site.client(visitor.wallet.account as never) };
  }

  /** Orders what stands in the form. @returns what was sent, and the id of the job. */
  async function order(page: Page) {
    const form = rentOf(page);
    await form.key.fill(ed25519Key());
    await until(async () => (await form.summary.innerText()).includes('can take this now'));
    const [request] = await Promise.all([
      page.waitForRequest((each) => each.method() === 'POST' && /\/api\/v1\/jobs$/.test(each.url())),
      form.rent.click(),
    ]);
    return { sent: request.postDataJSON() as Record<string, unknown>, id: await openJobId(page) };
  }

  const unfold = async (page: Page, title: string) => {
    await page.locator('summary').filter({ hasText: title }).first().click();
  };

  test('a template opens its ports, and the page of its job leads there and says that HTTP is plain', async () => {
    const { page, elsewhere } = await person();
    const card = page.locator('label.template').filter({ hasText: 'Jupyter' });
    expect(await words(card)).toContain('opens 8888');
    await card.click();
    const { sent, id } = await order(page);
    expect(sent).toMatchObject({ template: 'jupyter' });
    expect(sent).not.toHaveProperty('image');
    await page.getByRole('heading', { name: 'Reach it' }).waitFor();
    const job = await elsewhere.jobs.get(id);
    const link = page.getByRole('link', { name: /^http:/ });
    expect(await link.getAttribute('href')).toBe(job.endpoints![0]!.url);
    // The token is in the link, and not on the screen.
    expect(job.endpoints![0]!.url).toContain(job.template_token!);
    expect(await page.locator('main').innerText()).not.toContain(job.template_token!);
    await page.getByText('plain HTTP').waitFor();
    const reach = page.getByRole('region', { name: 'Reach it' });
    await reach.locator('summary').click();
    await reach.getByText(`${job.ssh_command} -L 8888:localhost:8888`, { exact: true }).waitFor();
    await page
      .getByText(/runs|started/)
      .first()
      .waitFor();
    await elsewhere.jobs.end(id);
  });

  test('a command, ports and a login at a registry go along, and no secret stays in the browser', async () => {
    const { page, elsewhere } = await person('&image=registry.example.com/team/model:3');
    await unfold(page, 'It is private');
    await page.getByLabel('Name at the registry').fill('robot');
    await page.getByLabel('Password or token').fill('a-secret-of-mine');
    await unfold(page, 'Main program');
    await page.getByRole('radio', { name: 'A command' }).check();
    await page.getByLabel('Command', { exact: true }).fill('python train.py');
    await page.getByLabel('When it ends').selectOption('on_failure');
    await unfold(page, 'Ports');
    for (const [at, port] of ['8080', '6006', '9090'].entries()) {
      await page.getByRole('button', { name: 'Add a port' }).click();
      await page.getByLabel(`Number of port ${at + 1}`).fill(port);
    }
    await page.getByRole('button', { name: 'Remove port 2' }).click();
    const { sent, id } = await order(page);
    expect(sent).toMatchObject({
      registry_auth: { username: 'robot', password: 'a-secret-of-mine' },
      command: ['sh', '-c', 'python train.py'],
      restart: 'on_failure',
      ports: [
        { port: 8080, protocol: 'http' },
        { port: 9090, protocol: 'http' },
      ],
    });
    const stored = await page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])');
    expect(stored).not.toContain('a-secret-of-mine');
    expect(page.url()).not.toContain('a-secret-of-mine');
    // Whoever goes back finds the form without it.
    await page.goBack();
    await page.getByRole('heading', { name: 'What runs' }).waitFor();
    expect(await page.content()).not.toContain('a-secret-of-mine');
    await elsewhere.jobs.end(id);
  });

  test('what is wrong with a port is said beside it before anything is sent, at 360 pixels and to screen readers', async () => {
    const { page } = await person('', { width: 360 });
    await unfold(page, 'Ports');
    await page.getByRole('button', { name: 'Add a port' }).click();
    await page.getByLabel('Number of port 1').fill('22');
    await page.getByText('22 is for SSH.').first().waitFor();
    await unfold(page, 'Main program');
    await page.getByRole('radio', { name: 'A command' }).check();
    expect(await sidewaysScroll(page)).toEqual([]);
    expect(await seriousFindings(page)).toEqual([]);
  });
});
