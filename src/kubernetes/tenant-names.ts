import { createHmac } from 'node:crypto';

const prefix = 'tenant-';

/** Half of the hash: 128 bits, of which no two customers have the same by chance. */
const hashLength = 32;

/** The namespace of a wallet: the same one each time, and without the key nobody can tell whose it is. */
export function tenantNamespace(key: Buffer, wallet: string): string {
  return prefix + createHmac('sha256', key).update(wallet.toLowerCase()).digest('hex').slice(0, hashLength);
}

/** What versions up to 0.1.0 called it. */
export function openTenantNamespace(wallet: string): string {
  return prefix + wallet.toLowerCase();
}

/** By what the label of a tenant's namespace tells it from one that only looks so. */
export function tenantLabel(namespace: string): string {
  return namespace.slice(prefix.length);
}
