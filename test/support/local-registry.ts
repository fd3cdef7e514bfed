import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageContent } from '../../engines/images/docker-archive.js';
import { push } from '../../engines/images/push.js';
import { findRegistry } from '../../engines/tools/registry.js';
import type { Certificate } from './certificates.js';
import { opens } from './customer.js';
import { freePort } from './free-port.js';
import { digestOf, type Stored } from './lying-registry.js';

/** The login of a private registry of the tests, and what its file has for it. */
export const testLogin = { username: 'robot', password: 'only for tests' };
const passwords = `${testLogin.username}:$2a$04$4.qo6.mKxnUdsPwrXnzZRuEdkz0iA7fY6Cerl56Rx4HIC133z2Rfa\n`;

/** The real registry, on this machine. */
export interface LocalRegistry {
  /** As it stands in images. */
  host: string;
  push(repository: string, tag: string, manifest: Stored, ...blobs: Stored[]): Promise<void>;
  /** Pushes a whole image. */
  pushImage(repository: string, tag: string, image: ImageContent): Promise<void>;
  /** Answers over TLS with this certificate, too; the host, with the port of that. */
  alsoOverTls(certificate: Pick<Certificate, 'certFile' | 'keyFile'>): Promise<string>;
  close(): Promise<void>;
}

/** @param at where it listens, for clients that are not on this machine. */
export async function startLocalRegistry(open: 'open' | 'private', at?: string): Promise<LocalRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  const host = at ?? `127.0.0.1:${await freePort()}`;
  const htpasswd = join(folder, 'htpasswd');
  writeFileSync(htpasswd, passwords);
  const children: { end(): Promise<void> }[] = [];
  const serve = async (addr: string, tls?: { certificate: string; key: string }) => {
    const settings = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr, ...(tls === undefined ? {} : { tls }) },
      ...(open === 'open' ? {} : { auth: { htpasswd: { realm: 'test', path: htpasswd } } }),
      validation: { manifests: { indexes: { platforms: 'none' } } },
    };
    const file = join(folder, `config-${children.length}.yml`);
    writeFileSync(file, JSON.stringify(settings));
    children.push(await startServer((await findRegistry(() => {})).path, file, addr));
  };
  await serve(host);
  const authorization = `Basic ${Buffer.from(`${testLogin.username}:${testLogin.password}`).toString('base64')}`;
  const registry: LocalRegistry = {
    host,
    async push(repository, tag, manifest, ...blobs) {
      await push({ origin: `http://${host}`, repository, tag, authorization }, manifest, blobs);
    },
    async pushImage(repository, tag, image) {
      const { manifest, config, layer } = inRegistry(image);
      await registry.push(repository, tag, manifest, config, layer);
    },
    async alsoOverTls({ certFile: certificate, keyFile: key }) {
      const addr = `127.0.0.1:${await freePort()}`;
      await serve(addr, { certificate, key });
      return addr;
    },
    async close() {
      await Promise.all(children.map((child) => child.end()));
      rmSync(folder, { recursive: true });
    },
  };
  return registry;
}

/** Starts the program, and waits until it takes connections. */
async function startServer(path: string, settings: string, address: string): Promise<{ end(): Promise<void> }> {
  const child = spawn(path, ['serve', settings], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const [host, port] = address.split(':');
  for (let tries = 0; !(await opens(host!, Number(port))); tries += 1) {
    if (tries > 600 || child.exitCode !== null) throw new Error('the registry does not answer');
    await sleep(50);
  }
  return {
    async end() {
      child.kill();
      await ended;
    },
  };
}

/** The parts of an image as registries keep them. */
function inRegistry(image: ImageContent): Record<'manifest' | 'config' | 'layer', Stored> {
  const type = 'application/vnd.oci.image';
  const part = (kind: string, bytes: Buffer): Stored => ({
    ...{ mediaType: `${type}.${kind}`, bytes, digest: digestOf(bytes) },
  });
  const named = ({ mediaType, digest, bytes }: Stored) => ({ mediaType, digest, size: bytes.length });
  const [config, layer] = [part('config.v1+json', image.config), part('layer.v1.tar', image.layer)];
  const described = { schemaVersion: 2, mediaType: `${type}.manifest.v1+json`, config: named(config) };
  const manifest = part('manifest.v1+json', Buffer.from(JSON.stringify({ ...described, layers: [named(layer)] })));
  return { manifest, config, layer };
}
