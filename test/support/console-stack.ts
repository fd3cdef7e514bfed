import { join } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import { memoryBounds } from '../../engines/broker.js';
import type { Log } from '../../engines/log.js';
import { packageRoot } from '../../engines/paths.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { roles } from '../../src/config.js';
import { unlimited } from './broker.js';

/** The variable that names the `endpoints.json` of the broker whose console the tests open. */
export const consoleStackVariable = 'BROKER_TEST_CONSOLE';

/** Where the tests' own one keeps its data. */
export const consoleStackFolder = join(packageRoot, '.data/test-console');

/** The operator of brokers on loopback that live for one run of tests; processes of the run share it. */
export const consoleOperator = privateKeyToAccount(`0x${'0b'.repeat(32)}`);

/** Another one, for one file alone: for tests that count the sessions of their operator. */
export const countedOperator = privateKeyToAccount(`0x${'0c'.repeat(32)}`);

/** The same for the broker with a chain, of `test/console-chain`. */
export const chainConsoleVariable = 'BROKER_TEST_CONSOLE_CHAIN';
export const chainConsoleFolder = join(packageRoot, '.data/test-console-chain');

type Died = (name: string, how: string) => void;

/** One broker for all files of `test/console`, as an operator starts it. */
export async function startConsoleStack(log: Log, died: Died): Promise<Stack> {
  return await startStack({ dataDir: consoleStackFolder, processes: roles, env: environment(), log, died });
}

/** One whose customers pay from deposits, settled every few minutes on a chain whose time nobody moves. */
export async function startChainConsoleStack(log: Log, died: Died): Promise<Stack> {
  const chain = { blockTimeS: 1, batchDelayS: 20, exitDelayS: 60, pollS: 1 };
  return await startStack({ dataDir: chainConsoleFolder, processes: roles, env: environment(), log, died, chain });
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...memoryBounds,
    ...unlimited,
    RATE_LIMIT_LOGINS: '1000000',
    // Each context of a browser is a login.
    AUTH_MAX_SESSIONS: '1000',
    ADMIN_WALLETS: `${consoleOperator.address},${countedOperator.address}`,
    // A job whose image never comes is to be found, and not to end by itself.
    JOB_STUCK_GRACE_S: '3600',
    // So that fees are seen.
    FEE_BPS: '500',
    // A machine that does not sign waits until an operator approves it.
    PROVIDER_AUTH_MODE: 'permissive',
  };
}
