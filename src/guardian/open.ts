import { createRecover } from '../auth/recover.js';
import { createRpcs, type Rpc } from '../chain/rpc.js';
import { BrokerError } from '../domain/errors.js';
import type { Logger } from '../observability/logger.js';
import { readApprovals } from './approvals.js';
import { connectBroker, type Broker } from './broker.js';
import { checkGuardedVault, type GuardedVault } from './check-vault.js';
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

type Begun = Pick<OpenGuardian, 'memory' | 'status'>;

/** What a guardian has before it has asked the chain anything. @throws SetupError */
export function beginGuardian(settings: GuardianSettings): Begun {
  readApprovals(settings);
  const memory = openMemory(settings);
  return { memory, status: createStatus(memory.now.decisions.at(-1)) };
}

/**
 * Holds the settings against the chain. What all nodes once said is good while they disagree later, or one is away: none of
 * them must keep a guardian from its work because it is started again. What may change is read by each look.
 *
 * @throws SetupError; BrokerError `dependency_unavailable` while the nodes have never agreed.
 */
async function factsFor(
  settings: GuardianSettings,
  { rpcs, memory, logger }: { rpcs: readonly Rpc[]; memory: MemoryBox; logger: Logger },
): Promise<GuardedVault> {
  const { chainId, vault, address } = settings;
  try {
    const found = await checkGuardedVault(settings, rpcs);
    const { scale, batchDelayS } = found;
    memory.change({ facts: { guardian: address, scale, batchDelayS } });
    return found;
  } catch (error) {
    const known = memory.now.facts;
    if (!(error instanceof BrokerError) || known?.guardian !== address) throw error;
    logger.warn({ why: error.detail }, 'the vault cannot be checked: the guardian starts with what it knows of it');
    return { chainId, vault, scale: known.scale, batchDelayS: known.batchDelayS };
  }
}

/**
 * Builds a guardian whose settings have been held against the chain.
 *
 * @throws SetupError; BrokerError `dependency_unavailable` while the chain does not answer.
 */
export async function openGuardian(
  settings: GuardianSettings,
  logger: Logger,
  { begun = beginGuardian(settings), ...tuning }: Pick<GuardDeps, 'unsureMs'> & { begun?: Begun } = {},
): Promise<OpenGuardian> {
  const { memory, status } = begun;
  const rpcs = createRpcs(settings);
  const facts = await factsFor(settings, { rpcs, memory, logger });
  const sender = createSender({ settings, rpcs, memory, logger });
  const broker = connectBroker(settings);
  const recover = createRecover({ maxWaiting: Infinity });
  const guard = createGuard({
    ...{ settings, facts, rpcs, memory, sender, broker, status, recover, logger, issuer: settings.issuer },
    approvals: () => readApprovals(settings),
    ...tuning,
  });
  return { guard, status, sender, memory, broker, rpcs };
}
