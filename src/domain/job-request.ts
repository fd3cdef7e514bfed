import { z } from 'zod';
import { architectureOf, architectures, type Architecture } from './gpu-needs.js';
import { cudaVersion, vramGb } from './gpu-values.js';
import { gpuTypeKey } from './gpu.js';
import { imageName, imageRefusal, parseImage, type ImagePolicy } from './image.js';
import { envProblems } from './job-env.js';
import { portsField, type JobPort } from './job-ports.js';
import { programFields, programOf, type ProgramRequest } from './job-program.js';
import type { JobTemplate, UsedTemplate } from './job-templates.js';
import { orderProblems } from './order-problems.js';
import { templateField, usedTemplate, withTemplate } from './order-template.js';
import { providerIdPattern } from './provider.js';
import { printableText } from './printable.js';
import { loginOf, registryAuthSchema, type RegistryAuth } from './registry-auth.js';
import { checked, cores, gigabytes, megabytes, number, optionalText, quantity } from './request-values.js';
import { parseSshPublicKey } from './ssh-key.js';
import { isObject, namesAKey, sshKeyId } from './order-keys.js';

/** This site's limits on a job. */
export interface JobPolicy {
  defaultImage: string;
  images: ImagePolicy;
  /** What may be ordered by a name. */
  templates: readonly JobTemplate[];
  minDurationS: number;
  maxDurationS: number;
}

/** A customer's request in the broker's units, with all defaults filled in. */
export interface JobRequest {
  providerId?: string;
  /** The job is not placed at any of these. */
  excludeProviders?: string[];
  /** A `gpuTypeKey`. */
  gpuType?: string;
  minVramGb?: number;
  /** As `cudaNumber`. */
  minCuda?: number;
  architecture?: Architecture;
  gpuCount: number;
  jobName?: string;
  image: string;
  /** Kept like `env`. */
  registryAuth?: RegistryAuth;
  cpuCores: number;
  memoryMb: number;
  /** The part of the memory for `/dev/shm`; half of it when absent. */
  shmMb?: number;
  storageGb: number;
  durationSeconds: number;
  /** Lines for an authorized_keys file. */
  sshPublicKeys: string[];
  /** Ids of keys that the wallet keeps here, for the same purpose. */
  sshKeyIds?: string[];
  env: Record<string, string>;
  /** Absent: nothing runs but the SSH server. */
  program?: ProgramRequest;
  /** What is reached from outside besides SSH. */
  ports?: JobPort[];
  /** What it was made of; all other fields have what came of it. */
  template?: UsedTemplate;
  /** The limit for the whole job, in token units per hour. */
  maxPricePerHour?: number;
  /** The quote that it is ordered with, as the customer sent it. */
  quoteId?: string;
  /** Of a request for a quote: how long its prices are to hold. */
  validSeconds?: number;
}

/** Plausible sizes of one machine. A typo beyond them is reported at once instead of as "no capacity" later. */
const limits = {
  gpus: 64,
  cpuCores: 1_024,
  memoryMb: { min: 128, max: 16 * 1024 * 1024 },
  storageGb: { min: 1, max: 65_536 },
  sshKeys: 10,
  excludedProviders: 20,
  jobName: 64,
  gpuType: 64,
  pricePerHour: 1e12,
  quoteId: 8_192,
  quoteSeconds: 300,
};

/** What a customer calls a job. */
export const jobNameSchema = printableText(limits.jobName);

/** The sizes of an order that names none. */
export const orderDefaults = { cpuCores: 4, memoryGb: 16, storageGb: 20, durationHours: 1 };

/** How long a quote holds that does not say how long. */
export const quoteDefaultS = 60;

/** An example for the API page. It goes into `inputExamples`, because zod's `examples` describe the output. */
const exampleOrder = {
  gpu_type: 'RTX 4090',
  gpu_count: 1,
  job_name: 'fine-tuning',
  image: 'docker.io/pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime',
  cpu_cores: 4,
  memory_gb: '16Gi',
  storage_gb: 20,
  duration_hours: 2,
  ssh_public_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@example'],
  env: { MODEL: 'llama' },
  max_price_per_hour: 5,
};

/**
 * The body of `POST /api/v1/jobs`. Unknown fields are rejected by name. Sizes may be numbers or strings with a unit,
 * since existing clients send both. An empty string means that an optional field is absent. One pass finds all
 * problems.
 */
export function jobRequestSchema(policy: JobPolicy): z.ZodType<JobRequest> {
  return orderSchema(policy, 'with a key');
}

/** The body of `POST /api/v1/quotes`: an order that may do without keys, because nobody logs in to a quote. */
export function quoteRequestSchema(policy: JobPolicy): z.ZodType<JobRequest> {
  return orderSchema(policy, 'without a key');
}

function orderSchema(policy: JobPolicy, how: 'with a key' | 'without a key'): z.ZodType<JobRequest> {
  const fields = z.strictObject({
    provider_id: optionalText(providerId),
    exclude_providers: z
      .array(providerId)
      .max(limits.excludedProviders, `must hold at most ${limits.excludedProviders} providers`)
      .transform((ids) => [...new Set(ids)])
      .optional(),
    gpu_type: optionalText(gpuType),
    gpu: optionalText(gpuType).describe('The same as `gpu_type`'),
    min_vram_gb: number('a number of GB').pipe(vramGb).optional().describe('Of each GPU, as GPUs are sold'),
    min_cuda: optionalText(cudaVersion).describe('The newest CUDA that the driver supports is at least this'),
    architecture: optionalText(architecture).describe('`amd64` unless given'),
    gpu_count: number('a whole number of GPUs').pipe(z.int().min(0).max(limits.gpus)).default(1),
    job_name: optionalText(jobNameSchema),
    image: optionalText(image(policy.images)),
    registry_auth: registryAuthSchema
      .optional()
      .describe('A login at the registry of `image`, if it is private; kept like `env`, and only while the job lasts'),
    cpu_cores: quantity('4, "4" or "4000m"', cores, 1, limits.cpuCores).default(orderDefaults.cpuCores),
    memory_gb: quantity('16, "16Gi" or "512Mi"', megabytes, limits.memoryMb.min, limits.memoryMb.max, ' MB').prefault(
      orderDefaults.memoryGb,
    ),
    shm_gb: quantity('8, "8Gi" or "512Mi"', megabytes, 1, limits.memoryMb.max, ' MB').optional(),
    storage_gb: quantity('20 or "20Gi"', gigabytes, limits.storageGb.min, limits.storageGb.max, ' GB').default(
      orderDefaults.storageGb,
    ),
    duration_hours: number('a number of hours')
      .transform((hours) => Math.ceil(hours * 3600 - 1e-6))
      .pipe(
        z
          .number()
          .min(policy.minDurationS, `must be at least ${policy.minDurationS / 3600} hours`)
          .max(policy.maxDurationS, `must be at most ${policy.maxDurationS / 3600} hours`),
      )
      .prefault(orderDefaults.durationHours),
    ssh_public_keys: z
      .array(sshPublicKey, { error: 'must be a list of OpenSSH public keys' })
      .max(limits.sshKeys, `must hold at most ${limits.sshKeys} keys`)
      .transform((keys) => [...new Set(keys)])
      .optional()
      .describe('Who may log in; at least one key here or in `ssh_key_ids`'),
    ssh_key_ids: z
      .array(sshKeyId, { error: 'must be a list of ids of your keys' })
      .max(limits.sshKeys, `must hold at most ${limits.sshKeys} keys`)
      .transform((ids) => [...new Set(ids)])
      .optional()
      .describe('The same, by ids of keys that you keep here: see `GET /api/v1/ssh-keys`'),
    // A password would have to be in the pod's specification, where others can read it.
    ssh_password: z
      .never({ error: 'passwords are not accepted: send ssh_public_keys, a list of OpenSSH public keys' })
      .optional(),
    env: environment.default({}),
    ...programFields,
    ports: portsField
      .optional()
      .describe('Ports that are reached from outside, besides SSH. A few are free: see `GET /api/v1/site`'),
    template: optionalText(templateField(policy.templates)).describe(
      'Fills in what the order leaves out: see `GET /api/v1/templates`. Variables and ports are added to its own',
    ),
    max_price_per_hour: number('a price').pipe(z.number().nonnegative().max(limits.pricePerHour)).optional(),
    quote_id: optionalText(z.string().max(limits.quoteId)).describe(
      'Of a quote that binds: the order costs no more than it said',
    ),
    valid_seconds: number('a whole number of seconds')
      .pipe(z.int().min(1).max(limits.quoteSeconds))
      .optional()
      .describe(`How long its prices are to hold; ${quoteDefaultS} unless given`),
  });
  return (
    how === 'with a key'
      ? requiringAKey(fields.omit({ valid_seconds: true }))
      : fields.omit({ quote_id: true, registry_auth: true })
  )
    .transform((body) => withTemplate(body))
    .superRefine((body, context) => {
      for (const problem of orderProblems(body, limits)) context.addIssue({ code: 'custom', ...problem });
    })
    .transform(({ gpu, ...body }) => ({ ...body, gpu_type: body.gpu_type ?? gpu }))
    .transform((body) => ({
      ...(body.provider_id === undefined ? {} : { providerId: body.provider_id }),
      ...(body.exclude_providers === undefined || body.exclude_providers.length === 0
        ? {}
        : { excludeProviders: body.exclude_providers }),
      ...(body.gpu_type === undefined ? {} : { gpuType: body.gpu_type }),
      ...(body.min_vram_gb === undefined ? {} : { minVramGb: body.min_vram_gb }),
      ...(body.min_cuda === undefined ? {} : { minCuda: body.min_cuda }),
      ...(body.architecture === undefined ? {} : { architecture: body.architecture }),
      gpuCount: body.gpu_count,
      ...(body.job_name === undefined ? {} : { jobName: body.job_name }),
      image: body.image ?? imageName(parseImage(policy.defaultImage)),
      ...loginOf(body),
      cpuCores: body.cpu_cores,
      memoryMb: body.memory_gb,
      ...(body.shm_gb === undefined ? {} : { shmMb: body.shm_gb }),
      storageGb: body.storage_gb,
      durationSeconds: body.duration_hours,
      sshPublicKeys: body.ssh_public_keys ?? [],
      ...(body.ssh_key_ids === undefined || body.ssh_key_ids.length === 0 ? {} : { sshKeyIds: body.ssh_key_ids }),
      env: body.env,
      ...programOf(body),
      ...(body.ports === undefined || body.ports.length === 0 ? {} : { ports: body.ports }),
      ...(body.template === undefined ? {} : { template: usedTemplate(body.template, body.env) }),
      ...(body.max_price_per_hour === undefined ? {} : { maxPricePerHour: body.max_price_per_hour }),
      ...quoteFieldsOf(body),
    }))
    .meta({ inputExamples: [exampleOrder] });
}

/** Each of them is a field of one kind of request only. */
function quoteFieldsOf(body: { quote_id?: string | undefined; valid_seconds?: number | undefined }) {
  const { quote_id: quoteId, valid_seconds: validSeconds } = body;
  return {
    ...(quoteId === undefined ? {} : { quoteId }),
    ...(validSeconds === undefined ? {} : { validSeconds }),
  };
}

const providerId = z.string().regex(providerIdPattern, 'is not a provider id');

const gpuType = printableText(limits.gpuType)
  .transform(gpuTypeKey)
  .refine((key) => key !== '', 'names no GPU type');

/** An architecture in a request, under any of its common names. */
export const architecture = z
  .string()
  .max(32)
  .transform(architectureOf)
  .pipe(z.enum(architectures, { error: `must be ${architectures.join(' or ')}` }));

const sshPublicKey = z.string().transform(checked((text) => parseSshPublicKey(text).line));

/** An order has a key, of either kind. It is checked with the problems of other fields, so that one answer has them all. */
function requiringAKey<Fields extends z.ZodObject>(fields: Fields): Fields {
  return fields
    .refine(namesAKey('absent'), {
      path: ['ssh_public_keys'],
      error: 'required: a job is reached by SSH with a key, and without one nobody could log in',
      when: isObject,
    })
    .refine(namesAKey('empty'), { path: ['ssh_public_keys'], error: 'must hold at least one key', when: isObject });
}

const environment = z.record(z.string(), z.string()).superRefine((env, context) => {
  for (const { field, message } of envProblems(env)) {
    context.addIssue({ code: 'custom', path: field.split('.').slice(1), message });
  }
});

function image(policy: ImagePolicy) {
  return z.string().transform(
    checked((text) => {
      const reference = parseImage(text);
      const refusal = imageRefusal(reference, policy);
      if (refusal !== undefined) throw new Error(refusal);
      return imageName(reference);
    }),
  );
}
