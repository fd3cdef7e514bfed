import { createHmac } from 'node:crypto';

const prefix = 'tenant-';

/** Half of the hash: 128 bits, enough that no two customers share a name by chance. */
const hashLength = 32;

/** The namespace of a wallet: always the same one, and without the key nobody can tell whose it is. */
export function tenantNamespace(key: Buffer, wallet: string): string {
  return prefix + createHmac('sha256', key).update(wallet.toLowerCase()).digest('hex').slice(0, hashLength);
}

/** The name that versions up to 0.1.0 used. */
export function openTenantNamespace(wallet: string): string {
  return prefix + wallet.toLowerCase();
}

/** The value of a label that tells a tenant's namespace from one that only looks like it. */
export function tenantLabel(namespace: string): string {
  return namespace.slice(prefix.length);
}
