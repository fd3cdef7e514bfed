import { randomInt } from 'node:crypto';
import type { V1Secret } from '@kubernetes/client-node';
import { BrokerError } from '../domain/errors.js';
import { asDependencyError, statusOf, unlessExists, unlessNotFound, type Kubernetes } from './client.js';
import { bootstrapGroup, labels } from './names.js';

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const namespace = 'kube-system';
const secretName = (tokenId: string) => `bootstrap-token-${tokenId}`;

/** The secret half of a join token: 16 characters, 82 bits. */
export function newTokenSecret(): string {
  return Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join('');
}

interface BootstrapToken {
  id: string;
  secret: string;
  /** For people; the database says whose it is. Absent if it was made before it was anybody's. */
  providerId?: string;
  expiresAt: Date;
}

/** The Secret that makes a bootstrap token known to Kubernetes. */
export function bootstrapTokenSecret(token: BootstrapToken): V1Secret {
  const { providerId } = token;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName(token.id),
      namespace,
      ...(providerId === undefined ? {} : { labels: { [labels.providerId]: providerId } }),
    },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': token.id,
      'token-secret': token.secret,
      expiration: token.expiresAt.toISOString(),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': bootstrapGroup,
      description: providerId === undefined ? 'join token made ahead' : `join token of provider ${providerId}`,
    },
  };
}

/** Creates the Secret of a token that is nobody's yet. @returns false if there is one under its id. */
export async function createBootstrapToken({ core }: Kubernetes, token: BootstrapToken): Promise<boolean> {
  const created = await unlessExists(core.createNamespacedSecret({ namespace, body: bootstrapTokenSecret(token) }));
  return created !== undefined;
}

/** Creates a token's Secret and replaces one left from an earlier attempt, whose secret half is lost. */
export async function replaceBootstrapToken({ core }: Kubernetes, token: BootstrapToken): Promise<void> {
  // The Secret API accepts only base64 in `data`; the server converts stringData.
  const create = () => unlessExists(core.createNamespacedSecret({ namespace, body: bootstrapTokenSecret(token) }));
  if ((await create()) !== undefined) return;
  await deleteBootstrapToken({ core }, token.id);
  if ((await create()) !== undefined) return;
  throw asDependencyError(
    new BrokerError('dependency_unavailable', `token ${token.id} is being made by somebody else`),
  );
}

/** True while Kubernetes accepts the token. Checked by a dry run, because the broker may not read these Secrets. */
export async function bootstrapTokenExists(
  { core }: Kubernetes,
  tokenId: string,
  providerId: string,
): Promise<boolean> {
  const body = bootstrapTokenSecret({
    id: tokenId,
    secret: newTokenSecret(),
    providerId,
    expiresAt: new Date(Date.now() + 60_000),
  });
  try {
    await core.createNamespacedSecret({ namespace, body, dryRun: 'All' });
    return false;
  } catch (error) {
    if (statusOf(error)?.reason === 'AlreadyExists') return true;
    throw error;
  }
}

/** Deletes a token; a missing one is fine. */
export async function deleteBootstrapToken({ core }: Pick<Kubernetes, 'core'>, tokenId: string): Promise<void> {
  await unlessNotFound(core.deleteNamespacedSecret({ name: secretName(tokenId), namespace }));
}
