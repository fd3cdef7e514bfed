import { withTransaction } from '../db/pool.js';
import { replaceIncoming, type Incoming, type VaultEvent } from '../db/vault-events.js';
import type { BrokerError } from '../domain/errors.js';
import { baseUnitsOf, scaleOf } from '../domain/vault-units.js';
import { mostEvents, slowDown, speedUp, type ReadPace } from './read-pace.js';
import { firstAnswer, NodesDisagree, type Rpc } from './rpc.js';
import { unreadable, vaultEvents } from './vault-log.js';
import type { WatchDeps } from './watch-deps.js';

/** Of those that are not final. */
const mostBlocks = 1_000;
/** What a node is asked for in one look, so that one which refuses everything holds the next look up no longer. */
const asksAtOnce = 4;

/**
 * Shows customers what is on its way. One node is believed, because nothing depends on it; without an answer, what was
 * seen before stays.
 *
 * @param after the last block whose events are booked.
 */
export async function lookAhead(
  { rpcs, pool, facts, logger }: WatchDeps,
  after: number,
  pace: ReadPace,
): Promise<void> {
  const scale = scaleOf(facts.decimals);
  let events: VaultEvent[];
  try {
    events = await firstAnswer(rpcs, (rpc) => eventsAhead(rpc, { vault: facts.vault, after, pace: { ...pace } }));
  } catch (error) {
    if (error instanceof NodesDisagree) throw error;
    logger.warn({ err: error }, 'deposits that are not final were not read');
    return;
  }
  const seen = events.flatMap(({ name, args, txHash, logIndex, block }): Incoming[] =>
    name === 'Deposited'
      ? [
          {
            txHash,
            logIndex,
            block,
            wallet: args['customer']!.toLowerCase(),
            amount: baseUnitsOf(BigInt(args['amount']!), scale),
          },
        ]
      : [],
  );
  await withTransaction(pool, (tx) => replaceIncoming(tx, facts, seen.slice(-mostEvents)));
}

/** The newest events of one node, from its last block backwards, in parts that it answers. */
async function eventsAhead(
  rpc: Rpc,
  { vault, after, pace }: { vault: WatchDeps['facts']['vault']; after: number; pace: ReadPace },
): Promise<VaultEvent[]> {
  const head = Number(await rpc.client.getBlockNumber());
  const first = Math.max(after + 1, head - mostBlocks + 1);
  const found: VaultEvent[][] = [];
  let failure: BrokerError | undefined;
  let to = head;
  for (let ask = 0; ask < asksAtOnce && to >= first && found.flat().length < mostEvents; ask++) {
    const from = Math.max(first, to - pace.blocks + 1);
    try {
      found.unshift(await vaultEvents(rpc, vault, { from, to }));
      speedUp(pace);
      to = from - 1;
    } catch (error) {
      if (error instanceof NodesDisagree) throw error;
      failure = unreadable(error, { from, to });
      slowDown(pace, to - from + 1);
    }
  }
  if (found.length === 0 && failure !== undefined) throw failure;
  return found.flat();
}
