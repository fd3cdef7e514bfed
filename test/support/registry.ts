import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ImageContent } from '../../engines/images/docker-archive.js';

/** A registry that serves pushed images to every client, by the OCI's distribution specification. */
export interface Registry {
  url: string;
  /** Makes a tag of a repository (`owner/name`) mean this image from now on. */
  push(repository: string, tag: string, image: ImageContent): void;
  /** The requests it got, as `method path`. */
  requests: string[];
  close(): void;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** @param host an address of this machine that its clients can reach. */
export async function startRegistry(host: string): Promise<Registry> {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const requests: string[] = [];
  const put = (bytes: Buffer, mediaType: string) => {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    requests.push(`${method} ${url.split('?')[0]}`);
    const [, repository = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/?]+)/.exec(url) ?? [];
    const found = kind === 'manifests' ? manifests.get(`${repository}:${reference}`) : undefined;
    const body = found ?? blobs.get(reference);
    if (body === undefined) {
      response.writeHead(url === '/v2/' ? 200 : 404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': kind === 'manifests' ? manifestType : 'application/octet-stream',
      'content-length': body.length,
      'docker-content-digest': `sha256:${createHash('sha256').update(body).digest('hex')}`,
    });
    response.end(method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((listening) => server.listen(0, host, listening));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    requests,
    push(repository, tag, { config, layer }) {
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: manifestType,
          config: put(config, 'application/vnd.oci.image.config.v1+json'),
          layers: [put(layer, 'application/vnd.oci.image.layer.v1.tar')],
        }),
      );
      put(manifest, manifestType);
      manifests.set(`${repository}:${tag}`, manifest);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
