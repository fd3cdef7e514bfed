import type { Config } from '../config.js';
import type { JobPolicy } from '../domain/job-request.js';
import { allowedTemplates } from '../domain/job-templates.js';

/** What this site accepts as an order. */
export function jobPolicyOf(config: Config): JobPolicy {
  const images = { allowlist: config.IMAGE_ALLOWLIST, requireDigest: config.IMAGE_REQUIRE_DIGEST };
  return {
    defaultImage: config.JOB_DEFAULT_IMAGE,
    images,
    templates: allowedTemplates(config.JOB_TEMPLATES, images),
    minDurationS: config.JOB_MIN_DURATION_S,
    maxDurationS: config.JOB_MAX_DURATION_S,
  };
}
