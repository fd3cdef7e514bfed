import { describe, expect, test } from '@jest/globals';
import { encodeErrorResult, zeroHash } from 'viem';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { useGuardedSite } from '../support/guarded-tests.js';
import type { AskedOfChain } from '../support/rpc-proxy.js';

const scene = useGuardedSite();

describe('nodes of the chain', () => {
  test('that disagree approve nothing, and what they show is vetoed when its time comes', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(() => undefined);
    scene.guarded.nodes[1].faults(({ method, params }) => {
      const data = (params[0] as { data?: string } | undefined)?.data ?? '';
      // `batches(1)`, with another hash.
      return method === 'eth_call' && data.startsWith('0x8232e389')
        ? { change: (result) => `0x${'7'.repeat(64)}${String(result).slice(66)}` }
        : 'pass';
    });
    const { memory, status } = await scene.looks();
    expect(memory.now.decisions).toEqual([]);
    expect(status.readiness()['chain']).toMatchObject({ ok: false, detail: expect.stringContaining('disagree') });
    await scene.untilLate();
    await scene.looks(1);
    await scene.site.mine();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
  });

  test('of which one repeats an old last block hide nothing: it is an alarm, and what is due is vetoed', async () => {
    await scene.rented();
    const old = `0x${(await scene.anvil.client.getBlockNumber()).toString(16)}`;
    const number = await scene.guarded.proposeInstead(() => undefined);
    await scene.anvil.client.mine({ blocks: 250 });
    // As a node does that really is there: the settlement is unknown to it.
    const data = encodeErrorResult({ abi: rentalVaultAbi, errorName: 'UnknownBatch' });
    scene.guarded.nodes[0].faults(({ method }) => {
      if (method === 'eth_blockNumber') return { result: old };
      return method === 'eth_estimateGas' ? { error: { code: 3, message: 'execution reverted', data } } : 'pass';
    });
    const { memory, status } = await scene.looks(1);
    expect(memory.now.decisions).toEqual([]);
    expect(status.readiness()['chain']).toMatchObject({ ok: false, detail: expect.stringContaining('the last block') });
    expect(await status.registry.metrics()).toContain('guardian_alarms_total{kind="disagreement"} 1');
    await scene.untilLate();
    await scene.looks(1);
    await scene.site.mine();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
  });

  test('of which one is ten minutes behind approve nothing, and one that says it is due is enough for a veto', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(() => undefined);
    await scene.anvil.client.mine({ blocks: 5 });
    const behind = `0x${((await scene.anvil.client.getBlockNumber()) - 1n).toString(16)}`;
    const timestamp = `0x${(Math.floor(Date.now() / 1_000) - 700).toString(16)}`;
    const lie = (isBehind: boolean, isNeverDue: boolean) => (asked: AskedOfChain) => {
      const data = (asked.params[0] as { data?: string } | undefined)?.data ?? '';
      if (isBehind && asked.method === 'eth_blockNumber') return { result: behind };
      if (asked.method === 'eth_getBlockByNumber' && asked.params[0] === behind)
        return { change: (block: unknown) => ({ ...(block as object), timestamp }) };
      // `batches(1)`, executable in a hundred years.
      return isNeverDue && asked.method === 'eth_call' && data.startsWith('0x8232e389')
        ? {
            change: (words: unknown) =>
              String(words).slice(0, 66) + 'ffffffff'.padStart(64, '0') + String(words).slice(130),
          }
        : ('pass' as const);
    };
    scene.guarded.nodes[0].faults(lie(false, false));
    scene.guarded.nodes[1].faults(lie(true, false));
    const { memory, status } = await scene.looks(1);
    expect(memory.now.decisions).toEqual([]);
    expect(status.readiness()['chain']).toMatchObject({ ok: false, detail: expect.stringContaining('the last block') });
    scene.guarded.nodes[1].faults(lie(true, true));
    await scene.untilLate();
    await scene.looks(1);
    await scene.site.mine();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
  });

  test('that swallow, lose or repeat a veto hold it up no longer than until the next look', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(({ credits }) => void credits.pop());
    for (const fault of ['swallow', 'lose answer', 'twice'] as const) {
      for (const node of scene.guarded.nodes)
        node.faults(({ method }) => (method === 'eth_sendRawTransaction' ? fault : 'pass'));
      await scene.looks(2);
    }
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    expect(await scene.anvil.client.getTransactionCount({ address: scene.guarded.settings.address })).toBeGreaterThan(
      0,
    );
  });

  test('that take a veto back in a reorganisation get it again', async () => {
    await scene.rented();
    const number = await scene.guarded.proposeInstead(({ credits }) => void credits.pop());
    await scene.looks(2);
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
    await scene.anvil.client.request({ method: 'anvil_rollback', params: [1] } as never);
    expect(await scene.guarded.hashOnVault(number)).not.toBe(zeroHash);
    await scene.looks(1);
    await scene.site.mine();
    expect(await scene.guarded.hashOnVault(number)).toBe(zeroHash);
  });
});
