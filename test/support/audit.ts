import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { auditLog } from '../../engines/kubernetes/audit.js';

/** A request, and the API server's response. */
interface Audited {
  user: string;
  verb: string;
  /** With its subresource, and without its group: `pods/status`. Empty if the request names no object. */
  resource: string;
  namespace: string;
  name: string;
  code: number;
  message: string;
  at: Date;
}

interface Line {
  verb: string;
  user?: { username?: string };
  objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code?: number; message?: string };
  requestReceivedTimestamp: string;
}

/**
 * The audit log of the API server in a stack that was started with `auditNodes`.
 *
 * @param kubeconfig the administrator's.
 */
export function audited(kubeconfig: string): Audited[] {
  const text = readFileSync(auditLog(dirname(dirname(kubeconfig))), 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { verb, user, objectRef, responseStatus, requestReceivedTimestamp } = JSON.parse(line) as Line;
      const { resource = '', subresource, namespace = '', name = '' } = objectRef ?? {};
      return {
        ...{ verb, namespace, name },
        user: user?.username ?? '',
        resource: subresource === undefined ? resource : `${resource}/${subresource}`,
        code: responseStatus?.code ?? 0,
        message: responseStatus?.message ?? '',
        at: new Date(requestReceivedTimestamp),
      };
    });
}
