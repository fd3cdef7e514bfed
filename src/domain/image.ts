import { registryRefusal } from './registry-host.js';

/** A parsed container image reference, with Docker's defaults filled in. */
export interface ImageReference {
  /** Includes the port, if there is one. */
  registry: string;
  repository: string;
  tag?: string;
  digest?: string;
}

export interface ImagePolicy {
  /**
   * `IMAGE_ALLOWLIST`: `registry/repository[:tag]`; each part may end in `*`. An empty list allows any public registry.
   */
  allowlist: readonly string[];
  requireDigest: boolean;
}

const maxLength = 256;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const domain =
  /^(?=.{1,253}(?::|$))[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::[0-9]{1,5})?$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/**
 * Parses `[registry/]repository[:tag][@digest]` with Docker's defaults: the registry `docker.io`, there `library/` for
 * a name of one part, and the tag `latest` without tag and digest.
 *
 * @throws Error with a sentence that describes the problem.
 */
export function parseImage(text: string): ImageReference {
  if (text.length > maxLength) throw new Error(`is longer than ${maxLength} characters`);
  const [named = '', digest, ...moreDigests] = text.split('@');
  if (moreDigests.length > 0) throw new Error('holds more than one @');
  if (digest !== undefined && !digestPattern.test(digest))
    throw new Error('has a digest that is not sha256:<64 hex digits>');

  const slash = named.indexOf('/');
  const first = slash === -1 ? '' : named.slice(0, slash);
  const hasRegistry = /[.:]/.test(first) || first === 'localhost';
  const registry = hasRegistry ? first : 'docker.io';
  if (!domain.test(registry)) throw new Error('has a registry that is not a lower-case host name');

  const rest = hasRegistry ? named.slice(slash + 1) : named;
  const colon = rest.indexOf(':');
  const path = colon === -1 ? rest : rest.slice(0, colon);
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) throw new Error('has a tag that is not acceptable');
  const parts = path.split('/');
  if (!parts.every((part) => component.test(part))) {
    throw new Error('is not a reference such as docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04 (lower case)');
  }
  const repository = registry === 'docker.io' && parts.length === 1 ? `library/${path}` : path;
  return {
    registry: registry === 'index.docker.io' ? 'docker.io' : registry,
    repository,
    ...(tag === undefined && digest === undefined ? { tag: 'latest' } : tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The full reference, as written into a pod. */
export function imageName({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * Why an image must not be run; `undefined` when it may. A registry that exists only in some private network must be
 * listed by name.
 */
export function imageRefusal(image: ImageReference, policy: ImagePolicy): string | undefined {
  if (policy.requireDigest && image.digest === undefined)
    return 'must name a digest: repository@sha256:<64 hex digits>';
  const listed = policy.allowlist.filter((entry) => matches(image, entry));
  if (policy.allowlist.length > 0 && listed.length === 0) return 'is not among the images that may be run here';
  // A wildcard does not allow a private registry; only an entry that spells it out does.
  if (listed.some((entry) => !entry.split('/')[0]!.includes('*'))) return undefined;
  const refusal = registryRefusal(image.registry);
  return refusal === undefined ? undefined : `is in a registry whose host ${refusal}`;
}

/**
 * Matches part by part; a final part `*` covers everything that follows. With a digest, the tag has no effect on what
 * is run, so an entry with a tag does not allow a digest unless the tag is `*`.
 */
function matches(image: ImageReference, entry: string): boolean {
  const [named = '', digest] = entry.split('@');
  if (digest !== undefined && digest !== image.digest) return false;
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon === -1 ? '*' : named.slice(colon + 1);
  if (image.digest === undefined ? !matchesPart(image.tag ?? '', tag) : digest === undefined && tag !== '*')
    return false;

  const wanted = (colon === -1 ? named : named.slice(0, colon)).split('/');
  const given = [image.registry, ...image.repository.split('/')];
  const openEnded = wanted.length > 1 && wanted.at(-1) === '*';
  return (
    wanted.every((part, index) => given[index] !== undefined && matchesPart(given[index], part)) &&
    (given.length === wanted.length || (given.length > wanted.length && openEnded))
  );
}

function matchesPart(given: string, wanted: string): boolean {
  return wanted.endsWith('*') ? given.startsWith(wanted.slice(0, -1)) : given === wanted;
}
