import { createRecover } from '../auth/recover.js';
import { createRpcs, type Rpc } from '../chain/rpc.js';
import type { Logger } from '../observability/logger.js';
import { readApprovals } from './approvals.js';
import { connectBroker, type Broker } from './broker.js';
import { checkGuardedVault } from './check-vault.js';
import type { GuardianSettings } from './config.js';
import { createGuard, type Guard, type GuardDeps } from './guard.js';
import { openMemory, type MemoryBox } from './memory.js';
import { createSender, type Sender } from './sender.js';
import { createStatus, type Status } from './status.js';

interface OpenGuardian {
  guard: Guard;
  status: Status;
  sender: Sender;
  memory: MemoryBox;
  broker: Broker;
  rpcs: readonly Rpc[];
}

/**
 * Builds a guardian whose settings have been held against the chain.
 *
 * @throws SetupError; BrokerError `dependency_unavailable` while the chain does not answer.
 */
export async function openGuardian(
  settings: GuardianSettings,
  logger: Logger,
  tuning: Pick<GuardDeps, 'unsureMs'> = {},
): Promise<OpenGuardian> {
  readApprovals(settings);
  const memory = openMemory(settings);
  const rpcs = createRpcs(settings);
  const facts = await checkGuardedVault(settings, rpcs);
  const sender = createSender({ settings, rpcs, memory, logger });
  const broker = connectBroker(settings);
  const status = createStatus(memory.now.decisions.at(-1));
  const recover = createRecover({ maxWaiting: Infinity });
  const guard = createGuard({
    ...{ settings, facts, rpcs, memory, sender, broker, status, recover, logger, issuer: settings.issuer },
    approvals: () => readApprovals(settings),
    ...tuning,
  });
  return { guard, status, sender, memory, broker, rpcs };
}
