import { BrokerError } from './errors.js';
import { parseImage } from './image.js';

/** What an operator can keep out. */
export const blockKinds = ['wallet', 'provider', 'image'] as const;
export type BlockKind = (typeof blockKinds)[number];

/** A wallet in lower case, a provider's id, or an image in the form of `blockedImageName`. */
export interface Blockable {
  kind: BlockKind;
  value: string;
}

export interface Block extends Blockable {
  /** For the one that is kept out; never a secret. */
  reason: string;
  /** Absent: for good. */
  until?: Date;
}

/**
 * An image as it is blocked: `docker.io/evil/miner` covers every tag and digest, `docker.io/evil/miner:2` and
 * `docker.io/evil/miner@sha256:…` one of them, `docker.io/evil/*` whatever is below. Docker's defaults are filled in, but
 * for the tag.
 *
 * @throws Error with a sentence that describes the problem.
 */
export function blockedImageName(text: string): string {
  if (text.endsWith('/*')) return `${folderName(text.slice(0, -2))}/*`;
  const { registry, repository, tag, digest } = partsOf(text);
  const name = `${registry}/${repository}`;
  if (digest !== undefined) return `${name}@${digest}`;
  const hasTag = text.indexOf(':', text.lastIndexOf('/') + 1) !== -1;
  return hasTag ? `${name}:${tag}` : name;
}

/** Other hosts that serve what docker.io has: a block of an image must not end at another name of its registry. */
const hosts: ReadonlySet<string> = new Set(['registry-1.docker.io', 'registry.hub.docker.com']);

/** An image's parts, by which it is compared. */
function partsOf(text: string): ReturnType<typeof parseImage> {
  const image = parseImage(text);
  if (!hosts.has(image.registry)) return image;
  return parseImage(`docker.io/${text.slice(text.indexOf('/') + 1)}`);
}

/** A registry, or a folder of one. */
function folderName(text: string): string {
  const isRegistry = !text.includes('/') && /[.:]|^localhost$/.test(text);
  // The name of an image has the same form as that of a folder, so its parser checks both.
  const { registry, repository } = partsOf(`${text}/any`);
  return isRegistry ? registry : `${registry}/${repository.slice(0, -'/any'.length)}`;
}

/** Every name by which an image may be blocked. */
export function blockableNames(image: string): string[] {
  const { registry, repository, tag, digest } = partsOf(image);
  const name = `${registry}/${repository}`;
  const folders = repository.split('/').map((_, count, parts) => [registry, ...parts.slice(0, count), '*'].join('/'));
  return [
    name,
    ...(tag === undefined ? [] : [`${name}:${tag}`]),
    ...(digest === undefined ? [] : [`${name}@${digest}`]),
    ...folders,
  ];
}

/** The refusal of what is blocked. */
export function blockedError({ kind, value, reason, until }: Block): BrokerError {
  const named = kind === 'wallet' ? 'this wallet' : `the ${kind} ${value}`;
  const how = until === undefined ? '' : ` until ${until.toISOString()}`;
  return new BrokerError('blocked', `${named} is blocked by the operator of this site${how}: ${reason}`, {
    blocked: kind,
    ...(until === undefined ? {} : { until: until.toISOString() }),
  });
}
