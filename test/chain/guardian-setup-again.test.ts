import { describe, expect, test } from '@jest/globals';
import { zeroHash } from 'viem';
import { StopRequested } from '../../src/lifecycle.js';
import { runGuardian } from '../../src/guardian/run.js';
import { freePort } from '../support/free-port.js';
import { useGuardedSite } from '../support/guarded-tests.js';
import type { AskedOfChain, Fault } from '../support/rpc-proxy.js';

const scene = useGuardedSite();
const refused = { code: -32_601, message: 'the method does not exist' };

describe('a guardian that is started again, although one node', () => {
  test.each<[string, (asked: AskedOfChain) => Fault]>([
    ['says that it is on another chain', ({ method }) => (method === 'eth_chainId' ? { result: '0x1' } : 'pass')],
    ['does not say its chain', ({ method }) => (method === 'eth_chainId' ? { error: refused } : 'pass')],
    [
      'says another delay of the vault',
      ({ method }) => (method === 'eth_call' ? { result: `0x${'1'.repeat(64)}` } : 'pass'),
    ],
    ['is away', () => 'no connection'],
  ])('%s, vetoes what is due', async (_, lie) => {
    await scene.rented();
    await scene.looks(1);
    const number = await scene.guarded.proposeInstead(({ credits }) => void credits.pop());
    await scene.untilLate();
    scene.guarded.nodes[1].faults(lie);
    await scene.looks(1);
    await scene.site.mine();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
  });

  test('is away, is not started with another key than the one that was checked', async () => {
    await scene.looks(1);
    scene.guarded.nodes[1].faults(() => 'no connection');
    scene.guarded.settings.address = `0x${'1'.repeat(40)}`;
    await expect(scene.guarded.guard()).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });
});

test('a guardian shows its state while it waits for a node before its first start', async () => {
  scene.guarded.nodes[1].faults(() => 'no connection');
  const port = await freePort();
  const stop = new AbortController();
  const settings = { ...scene.guarded.settings, status: { METRICS_HOST: '127.0.0.1', METRICS_PORT: port } };
  const running = runGuardian(settings, stop.signal);
  const ready = await askUntilAnswered(`http://127.0.0.1:${port}/ready`);
  stop.abort(new StopRequested('SIGTERM'));
  await running;
  expect(ready).toMatchObject({ dependencies: { chain: { ok: false, detail: expect.any(String) } } });
});

async function askUntilAnswered(url: string): Promise<unknown> {
  for (let left = 600; ; left--) {
    try {
      return await (await fetch(url)).json();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
