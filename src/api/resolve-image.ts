import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { parseImage } from '../domain/image.js';
import type { JobRequest } from '../domain/job-request.js';
import type { ResolvedImage } from '../domain/resolved-image.js';
import type { Logger } from '../observability/logger.js';
import { imagesResolved } from '../observability/metrics.js';
import { createImageResolver, type ImageResolver } from '../registry/resolver.js';

/** The resolver of this site: it goes where the operator lets it go. */
export function siteResolver(config: Config): ImageResolver {
  const registryOf = (entry: string) => entry.split('/')[0]!;
  const named = new Set(config.IMAGE_ALLOWLIST.map(registryOf).filter((registry) => !registry.includes('*')));
  return createImageResolver({
    plain: config.IMAGE_PLAIN_REGISTRIES,
    isNamed: (registry) => named.has(registry),
    mirrors: config.IMAGE_REGISTRY_MIRRORS,
    ...(config.IMAGE_REGISTRY_CA === undefined ? {} : { ca: config.IMAGE_REGISTRY_CA }),
    patienceMs: config.IMAGE_RESOLVE_TIMEOUT_MS,
  });
}

/**
 * What the registry says about the image of an order. An order whose image is not there, private or for other machines is
 * refused here, before anything is reserved for it.
 *
 * @param mayAsk called before a registry is asked; it refuses those for whom none is.
 * @returns undefined if the registry was not asked or did not answer, and the site does not require that.
 * @throws BrokerError `image_not_found`, `image_private`, `image_platform`, `image_unresolved`
 */
export async function resolveImage(
  { images, config, logger }: { images: ImageResolver; config: Config; logger: Logger },
  { image, architecture = 'amd64', registryAuth }: JobRequest,
  mayAsk: () => Promise<void>,
): Promise<ResolvedImage | undefined> {
  if (config.IMAGE_RESOLVE === 'off') return undefined;
  const auth = registryAuth === undefined ? {} : { auth: registryAuth };
  const resolution = await images.resolve({ image: parseImage(image), architecture, ...auth }, mayAsk);
  if (resolution.kind === 'resolved') {
    imagesResolved.inc({ outcome: resolution.cached ? 'cached' : 'resolved' });
    return resolution.image;
  }
  if (resolution.kind === 'refused') {
    imagesResolved.inc({ outcome: 'refused' });
    throw refusal(resolution.code, image, resolution.message);
  }
  imagesResolved.inc({ outcome: resolution.silence });
  logger.info({ image, silence: resolution.silence, why: resolution.message }, 'an image was not resolved');
  if (config.IMAGE_RESOLVE === 'when_reachable') return undefined;
  // One text for all reasons: the host is a stranger's choice, and what answers near the broker is not for him to learn.
  throw refusal('image_unresolved', image, 'could not be looked up in its registry, which this site requires');
}

type Refusal = 'image_not_found' | 'image_private' | 'image_platform' | 'image_unresolved';

function refusal(code: Refusal, image: string, message: string): BrokerError {
  return new BrokerError(code, `the image ${image} ${message}`, { errors: [{ field: 'image', message }] });
}
