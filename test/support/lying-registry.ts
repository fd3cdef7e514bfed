import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A registry whose every answer its test decides. The real one says nothing but the truth. */
export interface LyingRegistry {
  /** As it stands in images. */
  host: string;
  url: string;
  /** Every request it got, with the login that was sent. */
  asked: { method: string; path: string; authorization: string | undefined }[];
  close(): Promise<void>;
}

export type Says = (request: IncomingMessage, response: ServerResponse, path: string) => void;

export async function startLyingRegistry(says: Says): Promise<LyingRegistry> {
  const asked: LyingRegistry['asked'] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]!;
    asked.push({ method: request.method ?? '', path, authorization: request.headers.authorization });
    says(request, response, path);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ host, url: `http://${host}`, asked },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface Stored {
  mediaType: string;
  bytes: Buffer;
  digest: string;
}

const stored = (mediaType: string, value: unknown): Stored => {
  const bytes = Buffer.from(JSON.stringify(value));
  return { mediaType, bytes, digest: digestOf(bytes) };
};

/** A small image as its registry has it; `config` are members of its configuration. */
export function smallImage(config: object = {}, architecture = 'amd64', layers = [1_000, 24]) {
  const described = stored('application/vnd.oci.image.config.v1+json', { os: 'linux', architecture, config });
  const manifest = stored('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    config: { mediaType: described.mediaType, digest: described.digest, size: described.bytes.length },
    layers: layers.map((size) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', size })),
  });
  return { config: described, manifest };
}

/** An index of images by architecture. */
export function indexOf(manifests: Record<string, Stored>): Stored {
  return stored('application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    manifests: Object.entries(manifests).map(([architecture, { mediaType, digest, bytes }]) => ({
      ...{ mediaType, digest, size: bytes.length },
      platform: { os: 'linux', architecture },
    })),
  });
}

/** Answers truthfully, for the given tags and whatever has a digest. */
export function truth(tags: Record<string, Stored>, ...others: Stored[]): Says {
  const all = [...Object.values(tags), ...others];
  return (request, response, path) => {
    const reference = path.split('/').at(-1)!;
    const found = tags[reference] ?? all.find(({ digest }) => digest === reference);
    if (found === undefined) return void response.writeHead(404).end('{"errors":[]}');
    response.writeHead(200, {
      'content-type': found.mediaType,
      'content-length': found.bytes.length,
      'docker-content-digest': found.digest,
    });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  };
}
