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

/** The Secret that makes a bootstrap token known to Kubernetes. */
export function bootstrapTokenSecret(token: {
  id: string;
  secret: string;
  providerId: string;
  expiresAt: Date;
}): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretName(token.id), namespace, labels: { [labels.providerId]: token.providerId } },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': token.id,
      'token-secret': token.secret,
      expiration: token.expiresAt.toISOString(),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': bootstrapGroup,
      description: `join token of provider ${token.providerId}`,
    },
  };
}

/** Creates a token's Secret and replaces one left from an earlier attempt, whose secret half is lost. */
export async function replaceBootstrapToken(
  { core }: Kubernetes,
  token: Parameters<typeof bootstrapTokenSecret>[0],
): Promise<void> {
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
