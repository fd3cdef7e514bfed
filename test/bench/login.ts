import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gateway } from '../../engines/real-node/machine.js';
import { missingForRealNode } from '../../engines/real-node/requirements.js';
import type { Session } from '../../src/client/session.js';
import { newKey, ssh, type Job } from '../support/customer.js';
import { freePort } from '../support/free-port.js';
import { startLocalRegistry } from '../support/local-registry.js';
import { offerRealMachine } from '../support/real-machine.js';
import { smallLinux } from '../support/small-linux.js';
import { quantile, seconds, type Measurement } from './measurement.js';

const targetMs = 2_500;
/** The first ones bring the images to the machine and fill all caches. */
const before = 2;

/** The steps of a login after which a part of its time is over, in their order. */
const parts = [
  ['ordered', 'the order is taken: limits, the registry’s answer, the reservation'],
  ['placed', 'a machine is found'],
  ['pod_created', 'the cluster has its pod'],
  ['container_started', 'the container runs: scheduler, kubelet, SSH server copied'],
  ['ssh_ready', 'SSH is seen to answer, and the job is running'],
  ['replied', 'the customer has the reply'],
  ['logged_in', '`ssh` has logged in and run `true`'],
] as const;
type Step = (typeof parts)[number][0];

/**
 * The time from `POST /jobs` until OpenSSH has logged in, on a machine with a real kubelet that has the image: of `count`
 * jobs, one after the other, in parts.
 */
export async function measureLogin(log: (line: string) => void, count: number): Promise<Measurement[]> {
  const missing = missingForRealNode();
  if (missing !== undefined) throw new Error(`a real node needs ${missing}`);
  const host = `${gateway}:${await freePort()}`;
  const real = await offerRealMachine({
    env: { IMAGE_RESOLVE: 'required', IMAGE_PLAIN_REGISTRIES: host, IMAGE_ALLOWLIST: `${host}/*/*`, LOG_LEVEL: 'warn' },
  });
  const folder = newKey();
  try {
    real.machine.useRegistry(host, `http://${host}`);
    const registry = await startLocalRegistry('open', host);
    try {
      await registry.pushImage('bench/machine', '1', await smallLinux());
      const customer = await real.broker.customer();
      await real.offerGpus(await real.joined(), customer);
      const all: Record<Step, number>[] = [];
      for (let n = 0; n < before + count; n++) {
        const at = await logIn(customer, `${host}/bench/machine:1`, folder);
        log(`  ${parts.map(([step]) => `${step} ${at[step].toFixed(0)}`).join(', ')} ms`);
        if (n >= before) all.push(at);
      }
      return figures(all);
    } finally {
      await registry.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
    await real.remove();
  }
}

/** Milliseconds from the order to each step of one login. */
async function logIn(customer: Session, image: string, folder: string): Promise<Record<Step, number>> {
  const order = {
    ...{ gpu_type: 'RTX 4090', gpu_count: 1, cpu_cores: 1, memory_gb: '256Mi', storage_gb: 1, duration_hours: 1 },
    ...{ image, ssh_public_keys: [readFileSync(join(folder, 'id.pub'), 'utf8').trim()] },
  };
  const began = Date.now();
  const { status, body } = await customer.request('POST', '/api/v1/jobs', order, { prefer: 'wait=60' });
  const replied = Date.now() - began;
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  const job = body as Job;
  const { code, output } = await ssh({ ...job, folder }, 'true');
  if (code !== 0) throw new Error(`the login failed: ${output}`);
  const loggedIn = Date.now() - began;
  const told = await customer.request('GET', `/api/v1/jobs/${job.job_id}/events`);
  const { events } = told.body as { events: { kind: string; at: string }[] };
  await customer.request('DELETE', `/api/v1/jobs/${job.job_id}`, undefined, { prefer: 'wait=60' });
  const at = (kind: string) => {
    const event = events.find((one) => one.kind === kind);
    return event === undefined ? Number.NaN : Date.parse(event.at) - began;
  };
  return {
    ...{ ordered: at('ordered'), placed: at('placed'), pod_created: at('pod_created') },
    ...{ container_started: at('container_started'), ssh_ready: at('ssh_ready'), replied, logged_in: loggedIn },
  };
}

function figures(all: readonly Record<Step, number>[]): Measurement[] {
  const times = all.map((at) => at.logged_in);
  const total: Measurement = {
    work: `\`POST /jobs\` to the first login, real kubelet, image there, ${all.length} jobs`,
    target: 'p50 ≤ 2.5 s',
    measured: `p50 ${seconds(quantile(times, 0.5))}, p95 ${seconds(quantile(times, 0.95))}`,
    met: quantile(times, 0.5) <= targetMs,
  };
  const rows = parts.map(([step, words], index): Measurement => {
    const previous = parts[index - 1]?.[0];
    // A step that nobody has seen, or that was seen after the next one, counts with its neighbour.
    const took = all.map((at) => at[step] - (previous === undefined ? 0 : at[previous])).filter((ms) => ms >= 0);
    return { work: `of it, until ${words}`, target: '', measured: `p50 ${seconds(quantile(took, 0.5))}` };
  });
  return [total, ...rows];
}
