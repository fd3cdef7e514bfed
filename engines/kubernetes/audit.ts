import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrapGroup } from '../../src/kubernetes/names.js';

/** Where the API server of a cluster in that folder writes down what it was asked. */
export function auditLog(folder: string): string {
  return join(folder, 'audit.log');
}

/**
 * Arguments for an API server that is to write down every request of nodes and of holders of join tokens, with its answer,
 * and who decides on certificates. A test that looks at the answers knows of refusals that nobody logs.
 */
export function auditOfNodes(folder: string): string[] {
  const policyFile = join(folder, 'audit-policy.json');
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    // One line a request, once it is answered. A watch is answered when it begins.
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'Metadata', userGroups: ['system:nodes', bootstrapGroup] },
      {
        level: 'Metadata',
        verbs: ['update', 'patch'],
        resources: [{ group: 'certificates.k8s.io', resources: ['certificatesigningrequests/approval'] }],
      },
      { level: 'None' },
    ],
  };
  writeFileSync(policyFile, JSON.stringify(policy));
  return [`--audit-policy-file=${policyFile}`, `--audit-log-path=${auditLog(folder)}`, '--audit-log-mode=blocking'];
}
