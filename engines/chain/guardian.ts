import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { memoryBounds } from '../broker.js';
import type { Endpoints, EngineContext } from '../engine.js';
import { packageRoot } from '../paths.js';
import { answersOk } from '../probe.js';
import { keptReceiptKey } from '../receipt-key.js';
import { roleKeyFile } from './keys.js';

/** Where a stack's guardian keeps what it remembers. */
export const guardianFolder = (dataDir: string): string => join(dataDir, 'guardian');

const program = join(packageRoot, 'dist/src/guardian/main.js');

/** What a guardian is told of its broker and the vault. */
type Guarded = Required<Pick<Endpoints, 'api' | 'chain' | 'chain_id' | 'vault'>>;

/**
 * A guardian beside the broker, which looks at each settlement as one on another host does: it has its own key, asks the
 * broker over the wire, and gets nothing of the broker's environment.
 *
 * @throws Error when the broker does not name the key with which this stack signs receipts
 */
export async function startGuardian(
  { dataDir, ports, supervisor, env }: EngineContext,
  { api, chain, chain_id: chainId, vault }: Guarded,
): Promise<Partial<Endpoints>> {
  const port = await ports.take('guardian');
  const [receiptChainId] = (env['AUTH_CHAIN_IDS'] || chainId).split(',');
  const guardianEnv = {
    ...{ PATH: env['PATH'], HOME: env['HOME'], ...memoryBounds, NODE_ENV: 'development' },
    // One node of this stack, asked twice: it lies to nobody.
    GUARDIAN_RPC_URL: `${chain},${chain}`,
    ...{ GUARDIAN_CHAIN_ID: chainId, GUARDIAN_VAULT: vault, GUARDIAN_RECEIPT_CHAIN_ID: receiptChainId!.trim() },
    GUARDIAN_PRIVATE_KEY_FILE: roleKeyFile(dataDir, 'guardian'),
    ...{ GUARDIAN_BROKER_URL: api, GUARDIAN_BROKER_AUDIENCE: env['AUTH_AUDIENCE'] },
    ...{ GUARDIAN_DATA: guardianFolder(dataDir), GUARDIAN_STATUS_PORT: String(port) },
    // A settlement waits for seconds here.
    ...{ GUARDIAN_POLL_S: '1', GUARDIAN_MARGIN_S: '1' },
  };
  if (!existsSync(join(guardianFolder(dataDir), 'approved.json')))
    await setUp(guardianEnv, (env['RECEIPT_PRIVATE_KEY'] || keptReceiptKey(dataDir)) as Hex);
  const url = `http://127.0.0.1:${port}`;
  await supervisor.start({
    name: 'guardian',
    command: process.execPath,
    args: ['--enable-source-maps', program],
    cwd: packageRoot,
    env: guardianEnv,
    // After a veto it is not "ready", and guards all the same.
    ready: () => answersOk(`${url}/health`),
    readyTimeoutMs: 240_000,
  });
  return { guardian: url };
}

/** Approves the keys that sign receipts, and compares them with the one that is known, as a person does. */
async function setUp(env: NodeJS.ProcessEnv, receiptKey: Hex): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'setup'], { env, cwd: packageRoot });
  const known = privateKeyToAccount(receiptKey).address.toLowerCase();
  if (!stdout.includes(known))
    throw new Error(
      `this stack signs receipts with ${known}, and its broker says otherwise to the guardian:\n${stdout}`,
    );
}
