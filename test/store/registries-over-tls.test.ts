import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { startApi, type Api } from '../support/api.js';
import { certificateAuthority, type Authority } from '../support/certificates.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { startLocalRegistry, type LocalRegistry } from '../support/local-registry.js';
import { smallImage } from '../support/lying-registry.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const image = smallImage();

let folder: string;
let database: TestDatabase;
let redis: TestRedis;
let registry: LocalRegistry;
let authority: Authority;
const apis: Api[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registry-tls-'));
  authority = certificateAuthority(folder);
  [database, redis, registry] = await Promise.all([freshDatabase(), freshRedis(), startLocalRegistry('open')]);
  await registry.push('team/app', '1', image.manifest, image.config, ...image.layers);
  await putProvider(database.pool, { providerId: 'atlas', gpuPrice: 0.5 });
}, 240_000);
afterAll(async () => {
  await Promise.all(apis.map((api) => api.stop()));
  await registry?.close();
  await Promise.all([database.close(), redis.close()]);
  rmSync(folder, { recursive: true });
});

/** Orders the image at this host, of a site that names it and has these settings. */
async function order(host: string, env: Record<string, string>) {
  const api = await startApi({
    ...{ database, redis },
    env: { IMAGE_RESOLVE: 'required', IMAGE_ALLOWLIST: `${host}/*`, ...env },
  });
  apis.push(api);
  const session: Session = await api.login({ spendLimit: 10n ** 22n });
  const body = { image: `${host}/team/app:1`, gpu_count: 0, ssh_public_keys: [key] };
  const sent = await api.send('POST', '/api/v1/jobs', { bearer: await session.token(), body });
  const rows = 'select image_digest from jobs where wallet = $1';
  const kept = await database.pool.query<{ image_digest: string | null }>(rows, [session.wallet]);
  return { code: sent.json.code as unknown, text: sent.text, logged: api.logged.join(''), kept: kept.rows };
}

test('a registry with a certificate of the site’s own authority is asked where the site names that authority', async () => {
  const host = await registry.alsoOverTls(authority.issue('registry', 'IP:127.0.0.1'));
  const { kept } = await order(host, { IMAGE_REGISTRY_CA: authority.ca });
  expect(kept).toEqual([{ image_digest: image.manifest.digest }]);
});

test.each<[string, string, RegExp]>([
  ['by nobody whom the site names', 'IP:127.0.0.1', /DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_/],
  ['for another host', 'DNS:registry.example.com', /ERR_TLS_CERT_ALTNAME_INVALID/],
])('a registry whose certificate is made %s is not believed, and the log says why', async (_, names, code) => {
  const host = await registry.alsoOverTls(authority.issue(`wrong-${names.length}`, names));
  const ca = names.startsWith('IP') ? {} : { IMAGE_REGISTRY_CA: authority.ca };
  const refused = await order(host, ca);
  expect(refused).toMatchObject({ code: 'image_unresolved', kept: [] });
  // Customers do not learn what answers near the broker.
  expect(refused.text).not.toMatch(/certificate|TLS/);
  expect(refused.logged).toContain(`${host} shows a certificate that is not trusted here`);
  expect(refused.logged).toMatch(code);
  // Where the answer is not required, the machine asks for itself.
  expect((await order(host, { ...ca, IMAGE_RESOLVE: 'when_reachable' })).kept).toEqual([{ image_digest: null }]);
});
