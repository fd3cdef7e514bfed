import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { readLines, type Lines } from '../../src/db/batches.js';
import { approvalsFile } from '../../src/guardian/approvals.js';
import type { GuardianSettings } from '../../src/guardian/config.js';
import { openGuardian } from '../../src/guardian/open.js';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { anvilKeys, type Anvil } from './anvil.js';
import { audience, startApi } from './api.js';
import { startLyingBroker } from './lying-broker.js';
import { receiptKey, signerWith } from './receipts.js';
import { freshRedis } from './redis.js';
import { startRpcProxy } from './rpc-proxy.js';
import { createSettling } from './settling.js';
import { operatorKey, roles } from './vault.js';

export type GuardedSite = Awaited<ReturnType<typeof createGuardedSite>>;

const guardianKey = anvilKeys[roles.guardian]!;

/** A site that settles on a chain, and a guardian that sees it through a broker and two nodes which may lie. */
export async function createGuardedSite(anvil: Anvil, { batchDelayS = 3_600 } = {}) {
  const [site, redis] = await Promise.all([createSettling(anvil, { batchDelayS }), freshRedis()]);
  const guardian = privateKeyToAccount(guardianKey).address.toLowerCase() as Hex;
  const { vault, chainId } = site.deps.facts;
  const env = {
    ...{ ENABLE_BLOCKCHAIN: 'true', BLOCKCHAIN_RPC_URL: anvil.url, BLOCKCHAIN_CHAIN_ID: String(chainId) },
    ...{ VAULT_ADDRESS: vault, BACKEND_PRIVATE_KEY: operatorKey, GUARDIAN_WALLETS: guardian, AUTH_CHAIN_IDS: '103' },
    ...{ RECEIPT_PRIVATE_KEY: receiptKey, AUTH_MAX_SESSIONS: '1000' },
  };
  const api = await startApi({ database: site.database, redis, env });
  const broker = await startLyingBroker(api.url);
  const nodes = await Promise.all([startRpcProxy(anvil.url), startRpcProxy(anvil.url)]);
  const dataDir = mkdtempSync(join(tmpdir(), 'guardian-'));
  const settings: GuardianSettings = {
    ...{ isProduction: false, logLevel: 'silent', rpcUrls: nodes.map(({ url }) => url), chainId, vault },
    ...{ key: guardianKey, address: guardian, brokerUrl: broker.url, issuer: { audience, chainId: 103 }, dataDir },
    ...{ pollS: 1, marginS: 600, maxFeeWei: 10n ** 12n, status: { METRICS_HOST: '127.0.0.1', METRICS_PORT: 0 } },
  };
  const signer = signerWith(site.pool, receiptKey);
  const signerAddress = privateKeyToAccount(receiptKey).address.toLowerCase();
  approvalsFile(settings).write({ version: 1, keys: [{ address: signerAddress }], payouts: [] });
  const logged: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line) as never) });
  const operator = anvil.accounts[roles.operator]!;

  return {
    ...{ site, api, broker, nodes, settings, logged, signer },
    /** A process of the guardian, with what an earlier one has left. */
    guard: ({ unsureMs = 0 } = {}) => openGuardian(settings, logger, { unsureMs }),
    sign: async () => void (await signer.sign(1_000)),
    /** Cuts a settlement, and has the operator propose other lines, which the broker shows as its own. */
    async proposeInstead(change: (lines: { draws: Lines['draws'][0][]; credits: Lines['credits'][0][] }) => void) {
      const begun = await site.begin();
      if ('none' in begun) throw new Error(`nothing was cut: ${begun.none}`);
      const { number } = begun;
      const honest = await readLines(site.pool, site.deps.facts, number);
      const lines = { draws: [...honest.draws], credits: [...honest.credits] };
      change(lines);
      const hash = batchHash({ chainId, vault, ...lines });
      await site.vault.send(operator, 'vault', 'propose', [BigInt(number), hash]);
      await site.mine();
      broker.lies.set(`/api/v1/settlements/${number}`, () => ({
        number,
        draws: lines.draws.map(({ wallet, cumulative }) => ({ customer: wallet, cumulative: String(cumulative) })),
        credits: lines.credits.map(({ wallet, cumulative }) => ({ payee: wallet, cumulative: String(cumulative) })),
      }));
      return number;
    },
    hashOnVault: async (number: number) => ((await site.vault.read('batches', [BigInt(number)])) as [Hex])[0],
    async close() {
      await Promise.all([broker.stop(), ...nodes.map((node) => node.stop()), api.stop()]);
      await site.close();
      await redis.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
