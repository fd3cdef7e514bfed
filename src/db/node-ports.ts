import type { Config } from '../config.js';
import type { JobOrder } from '../domain/job.js';
import { sentence } from '../domain/outside.js';
import type { WhyNot } from '../domain/why-not.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

/**
 * How many node ports of the cluster are taken: one for the SSH server of each job that is placed and has not ended, and
 * one for each port that it opens.
 */
export async function nodePortsTaken(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ taken: number }>(
    prepared(`select (count(*) + coalesce(sum(port_count), 0))::int as taken
       from jobs where ended_at is null and provider_id is not null`),
  );
  return rows[0]!.taken;
}

/**
 * Whether the cluster lacks ports for an order. A quarter of them is for SSH alone: whoever takes all others, at a price that
 * his own machine earns, keeps nobody from renting. Orders at the same time may both find the last port free: then the
 * cluster refuses one of them, as it does where others than jobs take its ports.
 */
export async function lackOfPorts(
  db: Queryable,
  { ports = [] }: Pick<JobOrder, 'ports'>,
  { CLUSTER_NODE_PORTS: all }: Pick<Config, 'CLUSTER_NODE_PORTS'>,
): Promise<WhyNot | undefined> {
  const asked = 1 + ports.length;
  const forSsh = ports.length === 0 ? 0 : Math.ceil(all / 4);
  const left = Math.max(0, all - forSsh - (await nodePortsTaken(db)));
  if (asked <= left) return undefined;
  const text = `the cluster has ${left} node ports left for ${ports.length === 0 ? 'jobs' : 'jobs with ports'}, and the order takes ${asked}, with that of SSH`;
  return { limit: 'ports', asked, nearest: left, text: sentence(text) };
}
