import { createHash } from 'node:crypto';

/** A part of an image as registries keep it. */
export interface Stored {
  mediaType: string;
  bytes: Buffer;
  digest: string;
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export function stored(mediaType: string, content: Buffer | object): Stored {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { mediaType, bytes, digest: digestOf(bytes) };
}

/** Where an image goes; `authorization` for registries that want a login. */
export interface PushTarget {
  /** Of the registry, such as `http://127.0.0.1:5000`. */
  origin: string;
  repository: string;
  tag: string;
  authorization?: string;
}

/**
 * Pushes an image by the OCI's distribution specification; the blobs first, which the registry looks for.
 *
 * @throws Error with the registry's answer if it refuses.
 */
export async function push(target: PushTarget, manifest: Stored, blobs: readonly Stored[]): Promise<void> {
  const { origin, repository, tag, authorization } = target;
  const send = async (method: string, url: string, part?: Stored) => {
    const answer = await fetch(new URL(url, origin), {
      method,
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(part === undefined ? {} : { 'content-type': part.mediaType }),
      },
      ...(part === undefined ? {} : { body: new Uint8Array(part.bytes) }),
    });
    if (!answer.ok) throw new Error(`the registry refused: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  for (const blob of blobs) {
    const begun = await send('POST', `/v2/${repository}/blobs/uploads/`);
    const to = new URL(begun.headers.get('location')!, origin);
    to.searchParams.set('digest', blob.digest);
    await send('PUT', to.href, { ...blob, mediaType: 'application/octet-stream' });
  }
  await send('PUT', `/v2/${repository}/manifests/${tag}`, manifest);
}

/** Whether the tag means this manifest already. */
export async function isThere({ origin, repository, tag }: PushTarget, manifest: Stored): Promise<boolean> {
  const url = new URL(`/v2/${repository}/manifests/${tag}`, origin);
  const answer = await fetch(url, { method: 'HEAD', headers: { accept: manifest.mediaType } });
  return answer.headers.get('docker-content-digest') === manifest.digest;
}
