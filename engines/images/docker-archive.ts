import { createHash } from 'node:crypto';
import { tar, type TarEntry } from './tar.js';

export interface ImageSource {
  /** `registry/repository:tag` */
  name: string;
  /** The name that images use: `amd64`, `arm64`. */
  architecture: string;
  /** The contents of the image, in a single layer. */
  entries: readonly TarEntry[];
  entrypoint?: readonly string[];
  command?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** The description of an image, and the files of its single layer. */
export interface ImageContent {
  config: Buffer;
  layer: Buffer;
}

/** Fixed, so that identical sources give identical bytes. */
export function imageContent(source: Omit<ImageSource, 'name'>): ImageContent {
  const layer = tar(source.entries);
  const config = Buffer.from(
    JSON.stringify({
      architecture: source.architecture,
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: {
        ...(source.entrypoint === undefined ? {} : { Entrypoint: source.entrypoint }),
        ...(source.command === undefined ? {} : { Cmd: source.command }),
        Env: Object.entries(source.env ?? {}).map(([name, value]) => `${name}=${value}`),
        WorkingDir: '/',
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: '1970-01-01T00:00:00Z' }],
    }),
  );
  return { config, layer };
}

/**
 * An image as an archive that `docker load`, `podman load`, `skopeo` and `ctr images import` read. Identical sources
 * give identical bytes, and so the same image id.
 */
export function dockerArchive(source: ImageSource): { archive: Buffer; imageId: string } {
  const { config, layer } = imageContent(source);
  const layerId = sha256(layer);
  const configId = sha256(config);
  const manifest = [{ Config: `${configId}.json`, RepoTags: [source.name], Layers: [`${layerId}/layer.tar`] }];
  const archive = tar([
    { path: `${configId}.json`, content: config },
    { path: layerId, folder: true },
    { path: `${layerId}/layer.tar`, content: layer },
    { path: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
  ]);
  return { archive, imageId: `sha256:${configId}` };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
