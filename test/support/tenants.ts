import pg from 'pg';
import { tenantNamespace } from '../../src/kubernetes/tenant-names.js';

/** The key of every database that `freshDatabase` makes, so that tests know where to look. */
export const testTenantKey = Buffer.from('the key of all tests, and of none but tests');

/** Where the jobs of a wallet are, of a broker on a database of the tests. */
export function namespaceOf(wallet: string): string {
  return tenantNamespace(testTenantKey, wallet);
}

/** Where they are of a broker that made its key itself. */
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
