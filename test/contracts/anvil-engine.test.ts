import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { createTestClient, http, publicActions } from 'viem';
import { foundry } from 'viem/chains';
import { startStack } from '../../engines/stack.js';
import { testUnless } from '../support/needs.js';
import { missingAnvil } from '../support/vault-chain.js';

const address = '0x00000000000000000000000000000000000000aa';

testUnless(missingAnvil())(
  'a chain of a stack goes on with its state after an orderly end, on the same port',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'anvil-'));
    const start = async () => await startStack({ dataDir, engines: ['anvil'], anvil: { chainId: 103 } });
    const clientOf = (url: string) =>
      createTestClient({ mode: 'anvil', chain: { ...foundry, id: 103 }, transport: http(url) }).extend(publicActions);
    try {
      const first = await start();
      const url = first.endpoints().chain!;
      await clientOf(url).setBalance({ address, value: 7n });
      await clientOf(url).mine({ blocks: 5 });
      await first.stop();
      const second = await start();
      expect(second.endpoints().chain).toBe(url);
      const client = clientOf(url);
      expect(await client.getChainId()).toBe(103);
      expect(await client.getBalance({ address })).toBe(7n);
      expect(await client.getBlockNumber()).toBe(5n);
      expect((await client.getBlock({ blockTag: 'finalized' })).number).toBeLessThan(5n);
      await second.stop();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
);
