import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import { images } from '../../engines/real-node/node.js';
import { until } from './until.js';

const namespace = 'daemons';

/** Starts a pod like one of an operator's DaemonSet, with a Secret and a token; waits until it runs. */
export async function startDaemon(core: CoreV1Api, nodeName: string): Promise<{ pod: V1Pod; secretPath: string }> {
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await core.createNamespacedSecret({
    namespace,
    body: { metadata: { name: 'own' }, stringData: { password: 'of the operator' } },
  });
  const account = { name: 'default', namespace };
  await until(
    () =>
      core.readNamespacedServiceAccount(account).then(
        () => true,
        () => false,
      ),
    { name: 'the account of the pod is there' },
  );
  const { metadata } = await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name: 'daemon' },
      spec: {
        nodeName,
        tolerations: [{ operator: 'Exists' }],
        containers: [
          {
            name: 'daemon',
            image: images.machine,
            imagePullPolicy: 'IfNotPresent',
            command: [
              '/bin/sh',
              '-c',
              'test -s /var/run/secrets/kubernetes.io/serviceaccount/token && exec sleep 86400',
            ],
            volumeMounts: [{ name: 'own', mountPath: '/own' }],
          },
        ],
        volumes: [{ name: 'own', secret: { secretName: 'own' } }],
      },
    },
  });
  const pod = await until(
    async () => {
      const current = await core.readNamespacedPod({ name: metadata!.name!, namespace });
      return current.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') && current;
    },
    { timeoutMs: 120_000, everyMs: 250, name: 'the pod runs' },
  );
  return { pod, secretPath: `/api/v1/namespaces/${namespace}/secrets/own` };
}
