import { setTimeout as sleep } from 'node:timers/promises';
import { ask, Denied } from '../../engines/simulated-provider/kubernetes-request.js';
import { connectKubernetes } from '../../src/kubernetes/client.js';
import { accessOf, nodeIdentity } from '../support/stranger.js';
import type { Finding } from './invariant-names.js';

/** The fewest successful reads after which the absence of denials means something. */
const leastReads = 10;

export interface ReadingNode {
  /** Ends it. @returns what the cluster denied it. */
  stop(): Promise<Finding>;
}

/**
 * Reads continuously what a kubelet reads, with the certificate of a node of the fleet, whatever is killed meanwhile.
 * The API server may be down; whenever it answers, it must let the node through, whether or not the broker answers its
 * authorizer.
 */
export async function readAsNode(kubeConfigPath: string, nodeName: string): Promise<ReadingNode> {
  const kubernetes = connectKubernetes({ KUBECONFIG: kubeConfigPath });
  const access = await nodeIdentity(kubernetes, accessOf(kubeConfigPath), nodeName);
  const paths = ['/api/v1/services?limit=1', `/api/v1/nodes/${nodeName}`];
  const refused = new Map<string, number>();
  let reads = 0;
  let stopped = false;
  const reading = (async () => {
    for (let n = 0; !stopped; n++) {
      await sleep(250);
      try {
        await ask(access, 'GET', paths[n % paths.length]!);
        reads++;
      } catch (error) {
        if (!(error instanceof Denied) || error.status >= 500 || error.status === 429) continue;
        refused.set(error.message, (refused.get(error.message) ?? 0) + 1);
      }
    }
  })();
  return {
    async stop() {
      stopped = true;
      await reading;
      access.agent?.destroy();
      return {
        invariant: 'nodes',
        violations: [
          ...[...refused].map(([message, count]) => `${count} × ${message}`),
          ...(reads < leastReads ? [`it read ${reads} times, and ${leastReads} were to be`] : []),
        ],
        isLasting: true,
      };
    },
  };
}
