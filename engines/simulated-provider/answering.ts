import { createHash } from 'node:crypto';
import { labels as names } from '../../src/kubernetes/names.js';
import type { Log } from '../log.js';
import { ask, type Access } from './kubernetes-request.js';
import { greetAt, type Greeter } from './ssh-greeter.js';
import { watchPods, type PodOfNode } from './watch-pods.js';

const hostKeyFile = 'ssh_host_key';

interface Secret {
  data?: Record<string, string>;
}
interface Service {
  spec: { ports: { name?: string; nodePort?: number }[] };
}

/**
 * A loopback address of a machine's own, always the same for one machine of one stack. Linux has all of 127.0.0.0/8;
 * the lower half is left to programs that like round numbers.
 */
export function loopbackAddress(providerId: string, stack: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(`${stack} ${providerId}`).digest();
  return `127.${64 + (a % 128)}.${b}.${1 + (c % 254)}`;
}

/** What listens at an address and port, given the host key of the job there. */
export type AnswerAt = (host: string, port: number, hostKey: string) => Promise<Greeter>;

/**
 * Has a machine answer at the NodePorts of the jobs that run on it, as kube-proxy and the SSH server of the pod would: it
 * listens while the pod runs, and no longer. What it needs it reads with the node's certificate, which may read the
 * Secrets of its own pods and no others.
 */
export function answerJobs(
  access: Access & { nodeName: string },
  address: string,
  log: Log,
  answerAt: AnswerAt = greetAt,
): { stop(): void } {
  const stopping = new AbortController();
  const jobs = new Map<string, AnsweredJob>();
  const gone = (uid: string) => {
    jobs.get(uid)?.end();
    jobs.delete(uid);
  };
  const seen = (pod: PodOfNode) => {
    const { uid, labels, deletionTimestamp } = pod.metadata;
    if (labels?.[names.jobId] === undefined) return;
    const phase = pod.status?.phase ?? 'Pending';
    if (deletionTimestamp !== undefined || phase === 'Succeeded' || phase === 'Failed') return gone(uid);
    let job = jobs.get(uid);
    if (job === undefined) jobs.set(uid, (job = answeredJob(access, address, pod, { log, answerAt })));
    if (phase === 'Running') job.begin();
  };
  void watchPods(access, access.nodeName, { seen, gone }, stopping.signal);
  return {
    stop() {
      stopping.abort();
      for (const uid of [...jobs.keys()]) gone(uid);
    },
  };
}

interface AnsweredJob {
  /** Called as often as the pod is seen running. */
  begin(): void;
  end(): void;
}

function answeredJob(
  access: Access,
  address: string,
  { metadata }: PodOfNode,
  { log, answerAt }: { log: Log; answerAt: AnswerAt },
): AnsweredJob {
  const { name, namespace } = metadata;
  const read = <T>(kind: string) => ask<T>(access, 'GET', `/api/v1/namespaces/${namespace}/${kind}/${name}`);
  let greeter: Promise<Greeter | undefined> | undefined;
  let isOver = false;

  async function listen(): Promise<Greeter | undefined> {
    const [secret, service] = await Promise.all([read<Secret>('secrets'), read<Service>('services')]);
    const hostKey = secret.data?.[hostKeyFile];
    const port = (service.spec.ports.find((each) => each.name === 'ssh') ?? service.spec.ports[0])?.nodePort;
    if (hostKey === undefined || port === undefined || isOver) return undefined;
    return await answerAt(address, port, Buffer.from(hostKey, 'base64').toString());
  }

  return {
    begin() {
      greeter ??= listen().catch((error: unknown) => {
        log(`${name} cannot answer at ${address}: ${(error as Error).message}`);
        return undefined;
      });
    },
    end() {
      isOver = true;
      void greeter?.then((made) => made?.close());
    },
  };
}
