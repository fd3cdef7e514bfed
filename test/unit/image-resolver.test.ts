import { afterEach, describe, expect, test } from '@jest/globals';
import { parseImage } from '../../src/domain/image.js';
import type { RegistryAuth } from '../../src/domain/registry-auth.js';
import { readMirrors } from '../../src/domain/registry-mirrors.js';
import { createImageResolver, type ImageResolver } from '../../src/registry/resolver.js';
import {
  indexOf,
  smallImage,
  startLyingRegistry,
  truth,
  type LyingRegistry,
  type Says,
} from '../support/lying-registry.js';

const open: LyingRegistry[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((registry) => registry.close()));
});

let clockMs = Date.now();
const later = (ms: number) => (clockMs += ms);

async function registryThat(says: Says, patienceMs = 4_000) {
  const registry = await startLyingRegistry(says);
  open.push(registry);
  const resolver = createImageResolver({ plain: [registry.host], isNamed: () => false, patienceMs }, () => clockMs);
  return { registry, resolver, ask: asking(resolver, registry.host) };
}

function asking(resolver: ImageResolver, host: string) {
  return (name = 'team/app:1', auth?: RegistryAuth, architecture: 'amd64' | 'arm64' = 'amd64') =>
    resolver.resolve({ image: parseImage(`${host}/${name}`), architecture, ...(auth && { auth }) });
}

const image = smallImage({
  Entrypoint: ['/serve'],
  Cmd: ['--port', '80'],
  Env: ['PATH=/bin', 'NVIDIA_REQUIRE_CUDA=cuda>=12.4'],
  WorkingDir: '/app',
  User: '1000:1000',
});
const arm = smallImage({}, 'arm64', [7]);
const index = indexOf({ amd64: image.manifest, arm64: arm.manifest });
const whole = truth({ '1': index, single: image.manifest }, image.manifest, image.config, arm.manifest, arm.config);
const login = { username: 'robot', password: 'only for tests' };

describe('an image that its registry has', () => {
  test('an index is resolved to its own digest, and described by the manifest of the architecture', async () => {
    const { ask } = await registryThat(whole);
    expect(await ask()).toEqual({
      kind: 'resolved',
      cached: false,
      image: {
        digest: index.digest,
        sizeBytes: 1_024,
        entrypoint: ['/serve'],
        cmd: ['--port', '80'],
        env: { NVIDIA_REQUIRE_CUDA: 'cuda>=12.4' },
      },
    });
    expect(await ask('team/app:1', undefined, 'arm64')).toMatchObject({
      image: { digest: index.digest, sizeBytes: 7 },
    });
  });

  test.each([
    ['words that no process can be given', { Entrypoint: ['/serve', 'a\0b'] }],
    ['half of a character', { Entrypoint: ['/serve'], Cmd: ['\ud800'] }],
    ['more words than an order may have', { Cmd: ['x'.repeat(9_000)] }],
  ])('an image with %s is resolved, without a program', async (_, config) => {
    const odd = smallImage({ ...config, Env: [`CUDA_VERSION=${'1'.repeat(9_000)}`, 'NO_EQUALS'] });
    const { ask } = await registryThat(truth({ '1': odd.manifest }, odd.config));
    expect(await ask()).toMatchObject({ image: { digest: odd.manifest.digest, entrypoint: [], cmd: [], env: {} } });
  });

  test('a manifest without an index is resolved, too', async () => {
    const { ask } = await registryThat(whole);
    expect(await ask('team/app:single')).toMatchObject({ kind: 'resolved', image: { digest: image.manifest.digest } });
  });

  test('an image is resolved although its registry tells no digest in a header', async () => {
    const { ask } = await registryThat((request, response, path) => {
      response.setHeader = () => response;
      const { writeHead } = response;
      response.writeHead = ((status: number, headers: Record<string, string>) => {
        const { 'docker-content-digest': _, ...others } = headers ?? {};
        return writeHead.call(response, status, others);
      }) as typeof response.writeHead;
      whole(request, response, path);
    });
    expect(await ask()).toMatchObject({ kind: 'resolved', image: { digest: index.digest } });
  });

  test('a tag is asked for again after a minute, and only its digest if nothing has changed', async () => {
    const { ask, registry } = await registryThat(whole);
    await ask();
    const first = registry.asked.length;
    expect(await ask()).toMatchObject({ cached: true });
    expect(registry.asked).toHaveLength(first);
    later(61_000);
    expect(await ask()).toMatchObject({ kind: 'resolved', cached: false });
    expect(registry.asked.slice(first)).toMatchObject([{ method: 'HEAD', path: '/v2/team/app/manifests/1' }]);
  });

  test('a tag that was pushed again is the new image', async () => {
    let now = index;
    const { ask } = await registryThat((request, response, path) =>
      truth({ '1': now }, index, image.manifest, image.config, arm.manifest, arm.config)(request, response, path),
    );
    expect(await ask()).toMatchObject({ image: { digest: index.digest } });
    now = image.manifest;
    later(61_000);
    expect(await ask()).toMatchObject({ image: { digest: image.manifest.digest } });
  });

  test('a digest that nobody needs a login for is asked for once', async () => {
    const { ask, registry } = await registryThat(whole);
    await ask(`team/app@${index.digest}`);
    const first = registry.asked.length;
    later(3_600_000);
    expect(await ask(`team/app@${index.digest}`)).toMatchObject({ cached: true });
    expect(registry.asked).toHaveLength(first);
  });

  test('customers who want the same image at the same time share one question', async () => {
    const { ask, registry } = await registryThat(whole);
    await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(registry.asked.filter(({ method }) => method === 'HEAD')).toHaveLength(1);
  });
});

describe('what the registry refuses', () => {
  test('an image that is not there is refused by the registry’s own word', async () => {
    const { ask } = await registryThat(whole);
    expect(await ask('team/app:2')).toMatchObject({ kind: 'refused', code: 'image_not_found' });
  });

  test('an image for other machines only is refused', async () => {
    const onlyArm = truth({ '1': indexOf({ arm64: arm.manifest }), single: arm.manifest }, arm.manifest, arm.config);
    const { ask } = await registryThat(onlyArm);
    expect(await ask()).toMatchObject({ kind: 'refused', code: 'image_platform' });
    expect(await ask('team/app:single')).toMatchObject({ kind: 'refused', code: 'image_platform' });
  });

  test.each([401, 403])('an image that is given to nobody without a login is refused: %i', async (status) => {
    const { ask } = await registryThat((_, response) =>
      response.writeHead(status, { 'www-authenticate': 'Basic realm="x"' }).end(),
    );
    expect(await ask()).toMatchObject({ kind: 'refused', code: 'image_private' });
  });
});

describe('a mirror', () => {
  test('an image is looked up at the mirror of its registry, and one with a login at the registry itself', async () => {
    const [mirror, itself] = [await startLyingRegistry(whole), await startLyingRegistry(whole)];
    open.push(mirror, itself);
    const mirrors = new Map([[itself.host, mirror.url]]);
    const ask = asking(
      createImageResolver({ plain: [itself.host], isNamed: () => false, mirrors, patienceMs: 4_000 }),
      itself.host,
    );
    expect(await ask()).toMatchObject({ kind: 'resolved' });
    expect(itself.asked).toEqual([]);
    const { length } = mirror.asked;
    expect(await ask('team/app:single', login)).toMatchObject({ kind: 'resolved' });
    expect(mirror.asked).toHaveLength(length);
    expect(itself.asked).not.toEqual([]);
  });

  test.each(['docker.io', 'docker.io=ftp://x', 'docker.io=https://a/b', 'docker.io=https://me:x@a', '=https://a'])(
    'a mirror that is none is refused: %s',
    (entry) => {
      expect(readMirrors([entry])).toMatchObject({ problems: [expect.stringContaining('docker.io=https://')] });
    },
  );
});

/** A registry with tokens that are bought with the login above. */
function withTokens(realm: () => string): Says {
  return (request, response, path) => {
    const basic = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
    if (path === '/token') {
      const isGood = request.headers.authorization === basic;
      response.writeHead(isGood ? 200 : 401).end(isGood ? '{"token":"good","expires_in":300}' : '');
    } else if (request.headers.authorization === 'Bearer good') whole(request, response, path);
    else
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="${realm()}",service="test",scope="everything"` })
        .end();
  };
}

describe('a private image', () => {
  test('a private image is resolved with its login, which only the host of the tokens gets', async () => {
    const { ask, registry } = await registryThat(withTokens(() => `${registry.url}/token`));
    expect(await ask('team/app:1', login)).toMatchObject({ kind: 'resolved' });
    const sent = registry.asked.filter(({ authorization }) => authorization?.startsWith('Basic') === true);
    expect(sent.map(({ path }) => path)).toEqual(['/token']);
  });

  test('what was found with a login answers nobody without it, by tag or by digest', async () => {
    const { ask, registry } = await registryThat(withTokens(() => `${registry.url}/token`));
    await ask('team/app:1', login);
    for (const name of ['team/app:1', `team/app@${index.digest}`]) {
      expect(await ask(name)).toMatchObject({ kind: 'refused', code: 'image_private' });
      const other = { ...login, password: 'guessed' };
      expect(await ask(name, other)).toMatchObject({ kind: 'refused', code: 'image_private' });
    }
  });

  test('a login that was taken back is good for a minute at most, also for a digest', async () => {
    let isGood = true;
    const { ask } = await registryThat((request, response, path) => {
      if (request.headers.authorization !== undefined && isGood) whole(request, response, path);
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    const name = `team/app@${index.digest}`;
    expect(await ask(name, login)).toMatchObject({ kind: 'resolved' });
    isGood = false;
    later(61_000);
    expect(await ask(name, login)).toMatchObject({ kind: 'refused', code: 'image_private' });
  });

  test.each(['https://127.0.0.1/token', 'https://10.0.0.1/token', 'http://example.com/token', 'https://me.internal/t'])(
    'a login is not sent to a host of tokens that is closed: %s',
    async (realm) => {
      const { ask } = await registryThat(withTokens(() => realm));
      expect(await ask('team/app:1', login)).toMatchObject({ kind: 'unknown', silence: 'closed' });
    },
  );

  test('a login is not sent along with a redirect to another host', async () => {
    const elsewhere = await startLyingRegistry(whole);
    open.push(elsewhere);
    const { ask } = await registryThat((request, response, path) => {
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      response.writeHead(307, { location: `${elsewhere.url}${path}` }).end();
    });
    expect(await ask('team/app:1', login)).toMatchObject({ kind: 'unknown', silence: 'closed' });
    expect(elsewhere.asked).toEqual([]);
  });
});

describe('a registry that is not to be believed', () => {
  const nonsense = { kind: 'unknown', silence: 'nonsense' };
  /** Truthful, but for what has this digest or tag. */
  const but = (reference: string, says: Says): Says => {
    return (request, response, path) =>
      (request.method === 'GET' && path.endsWith(`/${reference}`) ? says : whole)(request, response, path);
  };
  const sends = (body: string | Buffer, headers: Record<string, string | number> = {}): Says => {
    return (_, response) => response.writeHead(200, headers).end(body);
  };

  test.each<[string, Says]>([
    ['a manifest that is not JSON', but(index.digest, sends('<html>'))],
    ['a manifest with another digest', but(image.manifest.digest, sends(arm.manifest.bytes))],
    ['a configuration with another digest', but(image.config.digest, sends(Buffer.alloc(image.config.bytes.length)))],
    ['a configuration that is longer than it said', but(image.config.digest, sends(Buffer.alloc(2_000_000)))],
    ['a manifest that says it is huge', but(index.digest, sends('{}', { 'content-length': 5_000_000 }))],
    [
      'a token endpoint that is no address',
      (_, r) => r.writeHead(401, { 'www-authenticate': 'Bearer realm=":"' }).end(),
    ],
    ['a demand of an unknown kind', (_, r) => r.writeHead(401, { 'www-authenticate': 'Negotiate' }).end()],
    ['a redirect to nowhere', (_, r) => r.writeHead(302).end()],
    ['a redirect to itself', (_, r, path) => r.writeHead(302, { location: path }).end()],
  ])('is not believed: %s', async (_, says) => {
    const { ask } = await registryThat(says);
    expect(await ask()).toMatchObject(nonsense);
  });

  test('a body that does not end is not read to its end', async () => {
    const { ask } = await registryThat(
      but(index.digest, (_, response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(256 * 1024)));
          response.once('drain', more);
        };
        more();
      }),
    );
    expect(await ask()).toMatchObject(nonsense);
  });

  test('a body that unpacks to something huge is not unpacked', async () => {
    const { gzipSync } = await import('node:zlib');
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const { ask } = await registryThat(but(index.digest, sends(bomb, { 'content-encoding': 'gzip' })));
    expect(await ask()).toMatchObject(nonsense);
  });

  test.each([-1, 1.5, 2 ** 60, '7'])('a layer of an impossible size is not believed: %s', async (size) => {
    const odd = smallImage({}, 'amd64', [size, 2 ** 52]);
    const { ask } = await registryThat(truth({ '1': odd.manifest }, odd.config));
    expect(await ask()).toMatchObject(nonsense);
  });

  test('another repository that says it has a digest has to show it', async () => {
    const { ask } = await registryThat((request, response, path) => {
      if (path.startsWith('/v2/team/') || request.method === 'HEAD') whole(request, response, path);
      else response.writeHead(500).end();
    });
    await ask(`team/app@${index.digest}`);
    expect(await ask(`thief/app@${index.digest}`)).toMatchObject({ kind: 'unknown', silence: 'failing' });
  });

  test.each([
    'http://127.0.0.1:1/',
    'https://169.254.169.254/latest/',
    'https://2130706433/',
    'https://[::1]/',
    'https://localhost/',
    'https://example.com:8443/',
    'https://user:pass@example.com/',
    'file:///etc/passwd',
  ])('a redirect to a closed address is not followed: %s', async (location) => {
    const { ask } = await registryThat((_, response) => response.writeHead(307, { location }).end());
    const { kind, ...rest } = await ask();
    expect(kind).toBe('unknown');
    expect(['closed', 'nonsense']).toContain((rest as { silence: string }).silence);
  });
});

describe('a registry that does not answer', () => {
  test('nobody waits longer for a registry that hangs than the site says, and the next one hears what came late', async () => {
    let answer = () => {};
    const { ask } = await registryThat((request, response, path) => {
      answer = () => whole(request, response, path);
      if (request.method !== 'HEAD') answer();
    }, 50);
    expect(await ask()).toMatchObject({ kind: 'unknown', silence: 'late' });
    const again = ask();
    answer();
    // Whether this one was in time or not: what the registry said is known now.
    await again;
    for (let tries = 0; tries < 100; tries += 1) {
      const now = await ask();
      if (now.kind === 'resolved') return;
    }
    throw new Error('what came late was never known');
  });

  test('a registry that asks to be left alone is, for as long as it says and for this login only', async () => {
    let isLimited = true;
    const { ask, registry } = await registryThat((request, response, path) => {
      if (isLimited && request.headers.authorization === undefined)
        response.writeHead(429, { 'retry-after': '120' }).end();
      else if (request.headers.authorization === undefined && path.includes('private'))
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else whole(request, response, path);
    });
    expect(await ask()).toMatchObject({ kind: 'unknown', silence: 'limited' });
    isLimited = false;
    const before = registry.asked.length;
    expect(await ask('other/app:1')).toMatchObject({ kind: 'unknown', silence: 'limited' });
    expect(registry.asked).toHaveLength(before);
    expect(await ask('private/app:1', login)).toMatchObject({ kind: 'resolved' });
    later(121_000);
    expect(await ask()).toMatchObject({ kind: 'resolved' });
  });

  test('a registry that cannot be reached is not asked again for a moment', async () => {
    const { ask, registry } = await registryThat(whole);
    await registry.close();
    open.length = 0;
    expect(await ask()).toMatchObject({ kind: 'unknown', silence: 'unreachable' });
    expect(await ask('other/app:1')).toMatchObject({ kind: 'unknown', silence: 'resting' });
  });

  test('of one registry, no more than sixteen images are looked up at a time', async () => {
    const { ask, registry } = await registryThat(() => {}, 100);
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(`team/app${n}:1`)));
    expect(all.filter((one) => one.kind === 'unknown' && one.silence === 'busy')).toHaveLength(4);
    expect(registry.asked.length).toBeLessThanOrEqual(16);
  });

  test.each([500, 502, 503, 418])('status %i is no answer', async (status) => {
    const { ask } = await registryThat((_, response) => response.writeHead(status).end());
    expect(await ask()).toMatchObject({ kind: 'unknown', silence: 'failing' });
  });
});
