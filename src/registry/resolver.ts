import type { Architecture } from '../domain/gpu-needs.js';
import type { ImageReference } from '../domain/image.js';
import type { RegistryAuth } from '../domain/registry-auth.js';
import type { ResolvedImage } from '../domain/resolved-image.js';
import {
  digestOf,
  digestPattern,
  maxConfigBytes,
  maxManifestBytes,
  mediaTypes,
  readImageConfig,
  readManifest,
  requireDigest,
  type Descriptor,
} from './descriptions.js';
import { latelyUsed } from './lately-used.js';
import { NoAnswer, Refused, type Resolution, type Silence } from './outcome.js';
import { createRegistries, loginKey, type Repository, type RegistrySettings } from './registry.js';

export interface ResolverSettings extends RegistrySettings {
  /** How long a customer waits for the registry. */
  patienceMs: number;
}

export interface ImageWanted {
  image: ImageReference;
  architecture: Architecture;
  auth?: RegistryAuth;
}

export interface ImageResolver {
  /**
   * Asks the image's registry, unless it is known.
   *
   * @param mayAsk called first if a registry has to be asked. Only what it throws is thrown.
   */
  resolve(wanted: ImageWanted, mayAsk?: () => Promise<void>): Promise<Resolution>;
}

/** How long the registry may take in all: what is too late for one customer is known to the next. */
const deadlineMs = 5_000;
/** What a tag means, and what a login may have, is believed for so long. */
const tagMs = 60_000;
/** A registry that cannot be reached is not asked again for so long. */
const restMs = 10_000;
/** What keeps everybody from a registry, if it has answered nothing before. */
const unreached: ReadonlySet<Silence> = new Set(['unreachable', 'untrusted', 'late', 'closed']);
const mostAtATime = 64;
const mostOfOneRegistry = 16;

/** What a repository has by a digest, whoever may have it. */
type Content = Omit<ResolvedImage, 'digest'>;

/**
 * Resolves images: which digest a tag means now, for which machines it is made, and what it runs.
 *
 * Two things are kept apart. What a digest of a repository holds is the same for everybody and for good. Who may have it is not: that is
 * kept for each login, and for a login or a tag no longer than a minute. So a customer without the login of a private
 * image is never answered from what was found with one.
 */
export function createImageResolver(settings: ResolverSettings, now: () => number = Date.now): ImageResolver {
  const registries = createRegistries(settings, now);
  const digests = latelyUsed<string>(10_000, now);
  const contents = latelyUsed<Content>(2_000, now);
  /** Registries, or logins there, that are left alone until a time. */
  const resting = latelyUsed<NoAnswer>(1_000, now);
  const underWay = new Map<string, Promise<Resolution>>();
  const busy = new Map<string, number>();

  return {
    async resolve({ image, architecture, auth }, mayAsk) {
      const login = loginKey(auth);
      const { registry, repository, tag, digest } = image;
      const key = JSON.stringify([registry, repository, digest ?? tag, login]);
      const found = known(key, image, architecture);
      if (found !== undefined) return { kind: 'resolved', image: found, cached: true };
      await mayAsk?.();
      const shared = `${architecture} ${key}`;
      const asking = underWay.get(shared) ?? begin(shared, { image, architecture, ...(auth && { auth }) }, login, key);
      return await within(settings.patienceMs, asking);
    },
  };

  function known(key: string, image: ImageReference, architecture: Architecture): ResolvedImage | undefined {
    const digest = digests.get(key);
    const content = digest === undefined ? undefined : contents.get(contentKey(image, digest, architecture));
    return content === undefined ? undefined : { digest: digest!, ...content };
  }

  /** Asks on behalf of everybody who wants the same in the meantime. */
  function begin(shared: string, wanted: ImageWanted, login: string, key: string): Promise<Resolution> {
    const { registry } = wanted.image;
    const rest = resting.get(registry) ?? resting.get(`${registry} ${login}`);
    if (rest !== undefined) return Promise.resolve(unknown(rest));
    const ofRegistry = busy.get(registry) ?? 0;
    if (underWay.size >= mostAtATime || ofRegistry >= mostOfOneRegistry)
      return Promise.resolve(unknown(new NoAnswer('busy', 'too many images are being looked up')));
    busy.set(registry, ofRegistry + 1);
    const asking = ask(wanted, login, key).finally(() => {
      underWay.delete(shared);
      const left = busy.get(registry)! - 1;
      if (left === 0) busy.delete(registry);
      else busy.set(registry, left);
    });
    underWay.set(shared, asking);
    return asking;
  }

  async function ask({ image, architecture, auth }: ImageWanted, login: string, key: string): Promise<Resolution> {
    const repository = registries.repository(image, auth, login, AbortSignal.timeout(deadlineMs));
    try {
      const { digest, manifest } = await digestNow(repository, image);
      const at = contentKey(image, digest, architecture);
      const content = contents.get(at) ?? (await read(repository, digest, architecture, manifest));
      contents.set(at, content);
      digests.set(key, digest, image.digest !== undefined && login === '' ? Infinity : now() + tagMs);
      return { kind: 'resolved', image: { digest, ...content }, cached: false };
    } catch (error) {
      if (error instanceof Refused) return { kind: 'refused', code: error.code, message: error.message };
      const silent =
        error instanceof NoAnswer ? error : new NoAnswer('nonsense', `it could not be read: ${String(error)}`);
      leaveAlone(image.registry, login, silent, repository.hasAnswered());
      return unknown(silent);
    }
  }

  /** A limit is of one login. A registry that answered nothing can be reached by nobody; otherwise one image is at fault. */
  function leaveAlone(registry: string, login: string, silent: NoAnswer, hasAnswered: boolean): void {
    const { silence, retryAfterMs, message } = silent;
    if (silence === 'limited') resting.set(`${registry} ${login}`, silent, now() + (retryAfterMs ?? restMs));
    else if (!hasAnswered && unreached.has(silence))
      resting.set(registry, new NoAnswer('resting', message), now() + restMs);
  }
}

/** With the repository: another one that says it has this digest must show it. */
function contentKey({ registry, repository }: ImageReference, digest: string, architecture: Architecture): string {
  return `${architecture} ${registry}/${repository}@${digest}`;
}

function unknown({ silence, message }: NoAnswer): Resolution {
  return { kind: 'unknown', silence, message };
}

/** A customer does not wait for longer; the question goes on for the next one. */
async function within(patienceMs: number, asking: Promise<Resolution>): Promise<Resolution> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Resolution>((resolve) => {
    timer = setTimeout(
      () => resolve(unknown(new NoAnswer('late', `the registry did not answer within ${patienceMs} ms`))),
      patienceMs,
    );
  });
  try {
    return await Promise.race([asking, late]);
  } finally {
    clearTimeout(timer);
  }
}

const accept = mediaTypes.join(', ');

/** The digest that a reference has now. A registry that tells it in no header sends the manifest itself. */
async function digestNow(
  repository: Repository,
  image: ImageReference,
): Promise<{ digest: string; manifest?: Buffer }> {
  const path = `manifests/${image.digest ?? image.tag}`;
  const { headers } = await repository.ask(path, { method: 'HEAD', maxBytes: 0, accept });
  const said = headers['docker-content-digest'];
  if (image.digest !== undefined) return { digest: image.digest };
  if (typeof said === 'string' && digestPattern.test(said)) return { digest: said };
  const { body } = await repository.ask(path, { method: 'GET', maxBytes: maxManifestBytes, accept });
  return { digest: digestOf(body), manifest: body };
}

async function read(
  repository: Repository,
  digest: string,
  architecture: Architecture,
  sent: Buffer | undefined,
): Promise<Content> {
  const first = readManifest(sent ?? (await manifestOf(repository, digest)), architecture);
  const manifest =
    first.kind === 'image'
      ? first
      : readManifest(await manifestOf(repository, first.of.digest, first.of), architecture);
  if (manifest.kind === 'index') throw new NoAnswer('nonsense', 'an index leads to another index');
  const { config, sizeBytes } = manifest;
  if (config.size > maxConfigBytes) throw new NoAnswer('nonsense', `its configuration has ${config.size} bytes`);
  const { body } = await repository.ask(`blobs/${config.digest}`, { method: 'GET', maxBytes: config.size });
  requireDigest(body, config.digest);
  return { sizeBytes, ...readImageConfig(body, architecture) };
}

async function manifestOf(repository: Repository, digest: string, said?: Descriptor): Promise<Buffer> {
  const maxBytes = Math.min(said?.size ?? maxManifestBytes, maxManifestBytes);
  const { body } = await repository.ask(`manifests/${digest}`, { method: 'GET', maxBytes, accept });
  requireDigest(body, digest);
  return body;
}
