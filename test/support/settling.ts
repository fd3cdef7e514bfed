import { setTimeout as sleep } from 'node:timers/promises';
import type { PrivateKeyAccount } from 'viem';
import { checkVault } from '../../src/chain/check-vault.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { beginSettlement } from '../../src/chain/begin-settlement.js';
import { advanceSettlement, type Advanced, type SettlementDeps } from '../../src/chain/settlement.js';
import { watchVault } from '../../src/chain/vault-watch.js';
import { payInAdvance } from '../../src/db/payment-mode.js';
import { createLogger } from '../../src/observability/logger.js';
import type { Anvil } from './anvil.js';
import { freshDatabase } from './database.js';
import { putSession } from './fleet.js';
import { moneySteps, proveWallet } from './money.js';
import { startRpcProxy } from './rpc-proxy.js';
import { deployVault, roles, settingsOf } from './vault.js';

export type Settling = Awaited<ReturnType<typeof createSettling>>;

const token = 10n ** 18n;

/** A vault of its own, behind nodes that may fail, with a database of a broker that settles there. */
export async function createSettling(anvil: Anvil, { batchDelayS = 60, nodes: count = 1, signedWithinS = 0 } = {}) {
  const [database, vault, nodes] = await Promise.all([
    freshDatabase(),
    deployVault(anvil, { batchDelayS }),
    Promise.all(Array.from({ length: count }, () => startRpcProxy(anvil.url))),
  ]);
  const proxy = nodes[0]!;
  const { pool } = database;
  await payInAdvance(pool);
  const settings = settingsOf(anvil, vault, { rpcUrls: nodes.map(({ url }) => url), finality: 2 });
  const rpcs = createRpcs({ ...settings, timeoutMs: 5_000 });
  const facts = await checkVault(settings, rpcs);
  const logger = createLogger({ LOG_LEVEL: 'silent' }, 'worker');
  const deps: SettlementDeps = { settings, facts, rpcs, pool, logger, pollS: 1, signedWithinS };
  const steps = moneySteps(pool);
  const customer = anvil.accounts[roles.customer]!;
  const provider = anvil.accounts[roles.provider]!;
  await proveWallet(pool, 'atlas', provider.address.toLowerCase());
  const mine = () => anvil.client.mine({ blocks: 3 });

  /** Waits as the workflow does, in the chain's own time. */
  async function wait(advanced: Advanced): Promise<void> {
    if (advanced.is === 'under way' && advanced.waitsFor.includes('delay'))
      await anvil.client.increaseTime({ seconds: batchDelayS + 1 });
    await mine();
    await sleep(5);
  }

  return {
    ...{ database, deps, pool, vault, nodes, proxy, customer, provider, mine, wait },
    watch: () => watchVault(deps),
    /** Deposits whole tokens, and books that. */
    async deposit(from: PrivateKeyAccount, tokens: number) {
      await vault.deposit(from, BigInt(tokens) * 1_000_000n);
      await mine();
      await watchVault(deps);
    },
    /** Has the customer rent for so many thousandths of a second, at a token a second, with a fee of 5 %. */
    async rent(of: PrivateKeyAccount, ms: number) {
      const wallet = of.address.toLowerCase();
      const sessionId = await putSession(pool, wallet);
      const rate = 3_600n * token;
      const job = await steps.order(sessionId, wallet, rate, { durationSeconds: Math.ceil(ms / 1_000) });
      await steps.place(job, 'atlas', rate, { feeBps: 500 });
      const began = new Date(Date.now() - 100_000_000);
      await steps.run(job, began);
      await steps.end(job, new Date(began.getTime() + ms));
    },
    begin: () => beginSettlement(deps),
    advance: (number: number) => advanceSettlement(deps, number),
    /** Settles as the workflow does, until the end. */
    async settle() {
      let begun = await beginSettlement(deps);
      for (; 'none' in begun; begun = await beginSettlement(deps)) {
        if (begun.againInS === undefined) return begun;
        await mine();
      }
      for (;;) {
        const advanced = await advanceSettlement(deps, begun.number);
        if (advanced.is !== 'under way') return { number: begun.number, ...advanced };
        await wait(advanced);
      }
    },
    async close() {
      await Promise.all(nodes.map((node) => node.stop()));
      await database.close();
    },
  };
}
