import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Architecture } from '../domain/gpu-needs.js';
import { isStorableText } from '../domain/storable-text.js';
import { NoAnswer, Refused } from './outcome.js';

/** What a registry sends about images, in the forms of the OCI and of Docker: read strictly, and compared with digests. */

/** A manifest of 127 layers has 30 KiB. Bytes of these forms take ten times as much memory while they are read. */
export const maxManifestBytes = 1024 * 1024;
export const maxConfigBytes = 512 * 1024;
/** What an image runs by itself, all together; as much as an order may say itself. */
const maxWordBytes = 8 * 1024;
const maxVariableBytes = 8 * 1024;
/** The variables that say which CUDA an image needs. The others are nobody's business here, and may be many. */
const neededVariables: ReadonlySet<string> = new Set(['NVIDIA_REQUIRE_CUDA', 'CUDA_VERSION']);

export const mediaTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

export const digestPattern = /^sha256:[0-9a-f]{64}$/;
const digest = z.string().regex(digestPattern);
const bytes = z.int().nonnegative();

const descriptor = z.object({ digest, size: bytes });

const indexSchema = z.object({
  manifests: z
    .array(
      descriptor.extend({
        digest: z.string().max(256),
        platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
      }),
    )
    .max(10_000),
});

const manifestSchema = z.object({ config: descriptor, layers: z.array(z.object({ size: bytes })).max(10_000) });

const texts = z.array(z.string()).nullish();
const configSchema = z.object({
  os: z.string().optional(),
  architecture: z.string().optional(),
  config: z
    .object({
      Entrypoint: z.union([texts, z.string()]),
      Cmd: z.union([texts, z.string()]),
      Env: texts,
    })
    .nullish(),
});

export interface Descriptor {
  digest: string;
  size: number;
}

export type Manifest = { kind: 'index'; of: Descriptor } | { kind: 'image'; config: Descriptor; sizeBytes: number };

export const digestOf = (body: Buffer): string => `sha256:${createHash('sha256').update(body).digest('hex')}`;

/** @throws NoAnswer unless these are the bytes of the digest. */
export function requireDigest(body: Buffer, expected: string): void {
  if (digestOf(body) !== expected) throw new NoAnswer('nonsense', 'what the registry sent has another digest');
}

/**
 * Reads an index, of which it chooses the manifest for the architecture, or a manifest.
 *
 * @throws Refused `image_platform` if an index has none for the architecture.
 */
export function readManifest(body: Buffer, architecture: Architecture): Manifest {
  const json = parsed(body);
  if (typeof json === 'object' && json !== null && 'manifests' in json) {
    const { manifests } = checkedBy(indexSchema, json);
    const found = manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === architecture);
    if (found === undefined) throw otherPlatform(architecture);
    return { kind: 'index', of: { digest: checkedBy(digest, found.digest), size: found.size } };
  }
  const { config, layers } = checkedBy(manifestSchema, json);
  const sizeBytes = layers.reduce((sum, { size }) => sum + size, 0);
  if (!Number.isSafeInteger(sizeBytes)) throw new NoAnswer('nonsense', 'the sizes of the layers are not believable');
  return { kind: 'image', config, sizeBytes };
}

interface ImageConfig {
  /** It and `cmd` are empty if they are too long, or nothing that a process can be given. */
  entrypoint: string[];
  cmd: string[];
  /** Those that say which CUDA it needs. */
  env: Record<string, string>;
}

/**
 * Reads an image's configuration.
 *
 * @throws Refused `image_platform` if the image is for another architecture, or none for containers.
 */
export function readImageConfig(body: Buffer, architecture: Architecture): ImageConfig {
  const { os, architecture: made, config } = checkedBy(configSchema, parsed(body));
  if (os !== 'linux' || made !== architecture) throw otherPlatform(architecture);
  const entrypoint = listOf(config?.Entrypoint);
  const cmd = listOf(config?.Cmd);
  const isUsable = areWords([...entrypoint, ...cmd]);
  return { ...(isUsable ? { entrypoint, cmd } : { entrypoint: [], cmd: [] }), env: variablesOf(config?.Env ?? []) };
}

function areWords(words: readonly string[]): boolean {
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
  return bytes <= maxWordBytes && words.every(isStorableText);
}

function variablesOf(lines: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const line of lines) {
    const equals = line.indexOf('=');
    if (equals === -1 || line.length > maxVariableBytes) continue;
    const name = line.slice(0, equals);
    if (neededVariables.has(name)) variables[name] = line.slice(equals + 1);
  }
  return variables;
}

/** Old builders wrote a single text. */
function listOf(value: string | string[] | null | undefined): string[] {
  return typeof value === 'string' ? [value] : (value ?? []);
}

function otherPlatform(architecture: Architecture): Refused {
  return new Refused('image_platform', `is not made for linux/${architecture}`);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new NoAnswer('nonsense', 'the registry did not send JSON');
  }
}

function checkedBy<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new NoAnswer('nonsense', 'the registry describes the image in another form');
  return result.data;
}
