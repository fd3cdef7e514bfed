import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, EngineContext } from './engine.js';
import { isThere, push, stored, type Stored } from './images/push.js';
import { answersOk } from './probe.js';
import { findRegistry } from './tools/registry.js';

/** What the registry says about an image; nobody can pull it, because its layer is empty. */
export interface ShownImage {
  /** As in orders, with its registry: `docker.io/library/debian:12`. */
  name: string;
  sizeMb: number;
  entrypoint?: readonly string[];
  command?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/**
 * A registry that stands for those of the internet: the broker looks images up as if they were there, and a machine without
 * a network has them all. What it does not have is in no registry.
 */
export async function startImageRegistry(
  { dataDir, ports, supervisor, log, env }: EngineContext,
  images: readonly ShownImage[],
): Promise<Engine> {
  const [tool, port] = await Promise.all([findRegistry(log, env), ports.take('registry')]);
  const folder = join(dataDir, 'registry');
  mkdirSync(folder, { recursive: true });
  const settings = join(folder, 'config.yml');
  writeFileSync(
    settings,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: `127.0.0.1:${port}` },
    }),
  );
  const origin = `http://127.0.0.1:${port}`;
  await supervisor.start({
    name: 'registry',
    command: tool.path,
    args: ['serve', settings],
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
    cwd: folder,
    ready: () => answersOk(`${origin}/v2/`),
  });
  await Promise.all(images.map((image) => show(origin, image)));
  const registries = [...new Set(images.map(({ name }) => name.split('/')[0]!))];
  const mirrors = registries.map((registry) => `${registry}=${origin}`).join(',');
  return {
    endpoints: { registry: origin },
    roleEnv: { IMAGE_RESOLVE: env['IMAGE_RESOLVE'] ?? 'when_reachable', IMAGE_REGISTRY_MIRRORS: mirrors },
  };
}

async function show(origin: string, image: ShownImage): Promise<void> {
  const [, repository = '', tag = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(image.name) ?? [];
  const { manifest, blobs } = described(image);
  const target = { origin, repository, tag };
  if (!(await isThere(target, manifest))) await push(target, manifest, blobs);
}

/** Its layer says that it is as large as the real one. */
function described({ sizeMb, entrypoint, command, env = {} }: ShownImage): { manifest: Stored; blobs: Stored[] } {
  const type = 'application/vnd.oci.image';
  const layer = stored(`${type}.layer.v1.tar+gzip`, Buffer.alloc(1));
  const config = stored(`${type}.config.v1+json`, {
    os: 'linux',
    // What orders are for that do not say; simulated machines have it, whatever this one is.
    architecture: 'amd64',
    config: {
      Entrypoint: entrypoint,
      Cmd: command,
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    },
  });
  const part = ({ mediaType, digest, bytes }: Stored) => ({ mediaType, digest, size: bytes.length });
  const manifest = stored(`${type}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config: part(config),
    layers: [{ ...part(layer), size: sizeMb * 1_000_000 }],
  });
  return { manifest, blobs: [config, layer] };
}
