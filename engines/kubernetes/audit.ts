import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrapGroup } from '../../src/kubernetes/names.js';

/** The audit log of a cluster's API server. */
export function auditLog(folder: string): string {
  return join(folder, 'audit.log');
}

/**
 * Arguments for an API server that logs every request of nodes, of holders of join tokens and of those who decide on
 * certificates, with its response. A test that reads the log also sees rejections that nobody else logs.
 */
export function auditOfNodes(folder: string): string[] {
  const policyFile = join(folder, 'audit-policy.json');
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    // One line per request once it is answered; for a watch, when it begins.
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
