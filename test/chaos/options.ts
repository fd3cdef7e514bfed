import type { BrokerProcess } from '../../engines/broker.js';
import type { ChainHappened } from './chain/chain-floors.js';
import type { JobStory } from './customers.js';
import type { Finding } from './invariant-names.js';

export interface ChaosOptions {
  seed: number;
  /** At least; customers continue to rent until the last kill and the last hostile status are over. */
  jobs: number;
  kills: number;
  /** What may be killed. Default: everything. */
  victims?: readonly string[];
  /** Pods that get a hostile status. */
  hostile: number;
  /** Customers that rent concurrently. */
  customers?: number;
  /** Whether one machine dies for good in the middle, which takes some minutes to settle. */
  withLoss?: boolean;
  /** Whether two machines start nothing, one of them until it is repaired. */
  withBroken?: boolean;
  /** How long a machine is silent, which has to be longer than HEARTBEAT_TIMEOUT_S. Default: not at all. */
  silentForMs?: number;
  /** How often a provider registers, as fast as Redis accepts it. */
  registrations?: number;
  /** The broker's processes. Default: one for each role, and two where one of two may die. */
  processes?: readonly BrokerProcess[];
  /** Whether customers pay from deposits in a vault on a chain; `calm` leaves its nodes alone. */
  chain?: 'stormy' | 'calm';
  /** Additional variables for the broker. */
  env?: Readonly<Record<string, string>>;
  /** When to end the run even if it is incomplete. Default: never. */
  giveUpAfterMs?: number;
  /** How long transient violations may last once all jobs are over. */
  quietWithinMs?: number;
  log?: (line: string) => void;
}

export interface ChaosResult {
  findings: Finding[];
  stories: JobStory[];
  kills: Record<string, number>;
  /** Hostile statuses by name. */
  hits: Record<string, number>;
  happened: Record<string, number>;
  /** Of a run with a chain. */
  onChain?: ChainHappened;
  /** Why the run ended early. */
  endedBecause?: string;
}
