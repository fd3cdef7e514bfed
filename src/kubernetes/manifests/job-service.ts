import type { V1Service } from '@kubernetes/client-node';
import { jobObjectName, type JobOrder, type Placement } from '../../domain/job.js';
import { sshPortName, transportOf, type JobPort, type OpenedPort } from '../../domain/job-ports.js';
import { labels } from '../names.js';
import { jobLabels } from './job.js';

/** The name of an ordered port in the job's Service. The customer's own name is for people only. */
const servicePortName = ({ port }: JobPort) => `port-${port}`;

/** Where the ordered ports of a Service are reached, as far as it has got them. */
export function openedPorts(ports: readonly JobPort[], { spec }: V1Service): OpenedPort[] {
  return ports.flatMap(({ port }) => {
    const nodePort = spec?.ports?.find((each) => each.port === port && each.name !== sshPortName)?.nodePort;
    return nodePort === undefined ? [] : [{ port, nodePort }];
  });
}

/**
 * The job's ingress: a node port for SSH and one for each port of the order, answered only by the pod's own node. It is
 * created before the pod, so that no pod is created when no port is left. Like the Secret, it stays until the job's end or the reconciler removes it.
 */
export function jobService(order: JobOrder, placement: Placement): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: jobObjectName(order.jobId),
      labels: jobLabels(order, placement),
    },
    spec: {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      // Program the route as soon as the pod has an address. Otherwise it would be programmed when the pod becomes
      // Ready, which is also when the customer is told to connect.
      publishNotReadyAddresses: true,
      selector: { [labels.jobId]: order.jobId },
      ports: [
        { name: sshPortName, port: 22, targetPort: 'ssh', protocol: 'TCP' },
        ...(order.ports ?? []).map((each) => ({
          name: servicePortName(each),
          port: each.port,
          targetPort: each.port,
          protocol: transportOf(each.protocol),
        })),
      ],
    },
  };
}
