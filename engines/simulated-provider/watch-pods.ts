import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Access } from './kubernetes-request.js';

/** What a machine has to know of a pod. */
export interface PodOfNode {
  metadata: {
    uid: string;
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
  };
  status?: { phase?: string };
}

interface Listed {
  metadata: { resourceVersion: string };
  items: PodOfNode[];
}

type Change = { type: string; object: PodOfNode };

const retryMs = 500;

/**
 * Follows the pods of one node with the node's own identity, as its kubelet does: first all that are there, then every
 * change. It begins anew after each loss of its connection.
 *
 * @param gone is told of a pod that is not there any more; `seen` of all others, as often as they change.
 */
export async function watchPods(
  access: Access,
  nodeName: string,
  { seen, gone }: { seen(pod: PodOfNode): void; gone(uid: string): void },
  signal: AbortSignal,
): Promise<void> {
  const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
  let known = new Set<string>();
  while (!signal.aborted) {
    try {
      const { items, metadata } = await ask<Listed>(access, 'GET', path);
      const now = new Set(items.map((pod) => pod.metadata.uid));
      for (const uid of known) if (!now.has(uid)) gone(uid);
      known = now;
      items.forEach(seen);
      await follow(
        access,
        `${path}&watch=1&resourceVersion=${metadata.resourceVersion}`,
        signal,
        ({ type, object }) => {
          if (type === 'DELETED') {
            known.delete(object.metadata.uid);
            gone(object.metadata.uid);
          } else if (type !== 'ERROR') {
            known.add(object.metadata.uid);
            seen(object);
          }
        },
      );
    } catch {
      // The control plane is away, or starts again.
    }
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One connection of a watch: a change a line, until it ends. */
function follow(access: Access, path: string, signal: AbortSignal, heard: (change: Change) => void): Promise<void> {
  const { server, ca, certificate, key } = access;
  return new Promise((resolve) => {
    const asked = request(new URL(path, server), {
      ...{ method: 'GET', agent: false, signal, cert: certificate, key },
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    });
    asked.on('error', () => resolve());
    asked.on('close', () => resolve());
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        const lines = (text + part).split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) heard(JSON.parse(line) as Change);
      });
      response.on('error', () => resolve()).on('close', () => resolve());
    });
    asked.end();
  });
}
