import pg from 'pg';
import { tenantNamespace } from '../../src/kubernetes/tenant-names.js';

/** The key in every database that `freshDatabase` creates, so that tests know the tenants' namespaces. */
export const testTenantKey = Buffer.from('the key of all tests, and of none but tests');

/** The namespace of a wallet's jobs, for a broker on a test database. */
export function namespaceOf(wallet: string): string {
  return tenantNamespace(testTenantKey, wallet);
}

/** The same for a broker that created its key itself. */
export async function namespaceIn(postgres: string, wallet: string): Promise<string> {
  const client = new pg.Client(postgres);
  await client.connect();
  try {
    const { rows } = await client.query<{ tenant_key: Buffer }>('select tenant_key from installation');
    return tenantNamespace(rows[0]!.tenant_key, wallet);
  } finally {
    await client.end();
  }
}
