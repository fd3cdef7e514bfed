import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { bool, certificates, flag, list, port, privateKey, ranges, whole } from './config-values.js';
import { readGpuDefaultPrices } from './domain/gpu-prices.js';
import { readTls, type TlsWorkedOut } from './tls-settings.js';

export const roles = ['api', 'worker', 'relay', 'watcher', 'authorizer'] as const;
export type Role = (typeof roles)[number];

/**
 * The environment, one variable a line. Names without a prefix of ours exist in the field and keep their meaning.
 * A comment says why a default is what it is, or what breaks outside the bounds.
 */
const environment = z.object({
  /** Which roles this process runs, separated by commas. Default: all, `authorizer` where it has a certificate. */
  BROKER_ROLES: list.pipe(z.array(z.enum(roles))),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  NODE_ENV: z.string().default('development'),

  /** The public API. 0 takes a free port. */
  PROXY_PORT: port(8080),
  PROXY_HOST: z.string().default('0.0.0.0'),
  /** Metrics and liveness of any role, on a listener of their own that is not meant for the public. 0: none. */
  METRICS_PORT: port(0),
  METRICS_HOST: z.string().default('127.0.0.1'),
  /** Origins a browser may call from. Empty: none. */
  ALLOWED_ORIGINS: list,
  /** True behind exactly one load balancer that sets X-Forwarded-For; otherwise the header would forge addresses. */
  TRUST_PROXY: flag(false),
  /** How long a process may take to finish what it has begun after SIGTERM. */
  SHUTDOWN_GRACE_S: whole(20, 1, 600),

  REDIS_HOST: z.string().default('127.0.0.1'),
  REDIS_PORT: port(6379),
  REDIS_USERNAME: z.string().optional(),
  REDIS_PASSWORD: z.string().optional(),
  /** Default: on where one of the next three is set. They are PEM; as everywhere, `…_FILE` names a file instead. */
  REDIS_TLS: bool.optional(),
  /** Who signed the server's certificate, which has to be for REDIS_HOST; without, the authorities that Node.js knows. */
  REDIS_TLS_CA: certificates,
  /** For a server that asks its clients for one, such as Redis unless it has `tls-auth-clients no`. */
  REDIS_TLS_CERT: certificates,
  REDIS_TLS_KEY: privateKey,

  POSTGRES_HOST: z.string().default('127.0.0.1'),
  POSTGRES_PORT: port(5432),
  POSTGRES_DB: z.string().default('worldland'),
  POSTGRES_USER: z.string().default('postgres'),
  POSTGRES_PASSWORD: z.string().optional(),
  /**
   * `require` encrypts and trusts whoever answers; `verify-full` has to know who signed the server's certificate, and that
   * it is for POSTGRES_HOST. Default: `verify-full` where one of the next three is set, `disable` otherwise.
   */
  POSTGRES_SSL_MODE: z.enum(['disable', 'require', 'verify-full']).optional(),
  POSTGRES_SSL_CA: certificates,
  /** For users whom `pg_hba.conf` asks for a certificate. */
  POSTGRES_SSL_CERT: certificates,
  POSTGRES_SSL_KEY: privateKey,
  /** Connections of one process; all roles of all replicas together must stay below the server's max_connections. */
  POSTGRES_POOL_SIZE: whole(16, 1, 200),

  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  /** Default: on where one of the next five is set. */
  TEMPORAL_TLS: bool.optional(),
  TEMPORAL_TLS_CA: certificates,
  TEMPORAL_TLS_CERT: certificates,
  TEMPORAL_TLS_KEY: privateKey,
  /** The name in the server's certificate, where it is not that of TEMPORAL_ADDRESS. */
  TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  /** Sent with every call, and so only over TLS. */
  TEMPORAL_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word of printable characters')
    .optional(),
  TEMPORAL_TASK_QUEUE: z.string().default('broker'),
  /**
   * Whether Temporal tells builds of the workflow code apart, so that a workflow is never half in one and half in
   * another. Needs a server of 1.28 or later. All workers of a task queue must agree: beside versioned ones, others
   * get no work.
   */
  WORKER_VERSIONING: flag(true),
  /** What the builds of one site are versions of. */
  WORKER_DEPLOYMENT_NAME: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .default('broker'),
  /** The version of the workflow code. Unless given, a hash of the code itself. */
  BUILD_ID: z
    .string()
    .regex(/^[\w.-]{1,128}$/)
    .optional(),

  /**
   * How many workflows a worker keeps in memory between their steps, at a few hundred kilobytes each. Jobs and
   * providers mostly wait, for hours: one that is not kept is replayed from its history, some fifty events, when it
   * goes on.
   */
  WORKER_CACHED_WORKFLOWS: whole(300, 50, 100_000),

  /** Empty: the service account of the pod the broker runs in, or ~/.kube/config. */
  KUBECONFIG: z.string().optional(),
  /** What providers are told to join: the API server as seen from outside. */
  MASTER_PUBLIC_IP: z.string().optional(),
  MASTER_API_PORT: port(6443),
  /** Life of a join token. kubeadm's own default is a day; a minute is what a provider needs. */
  JOIN_TOKEN_TTL_S: whole(900, 60, 86_400),
  ENABLE_TENANT_ISOLATION: flag(true),
  /** Public ranges or addresses that jobs must not reach, such as those of this site's own machines. */
  TENANT_CLOSED_CIDRS: ranges,
  /** How long a tenant's namespace stands after its last job; its next one then waits a second for a new one. */
  TENANT_NAMESPACE_TTL_S: whole(3_600, 1, 31_536_000),
  /**
   * Where the cluster's API server asks whether a provider's node is in the fleet. It has to trust who signed the
   * certificate, and shows one that AUTHORIZER_CLIENT_CA signed: nobody else is answered. 0 takes a free port.
   */
  AUTHORIZER_PORT: port(9443),
  AUTHORIZER_HOST: z.string().default('0.0.0.0'),
  AUTHORIZER_TLS_CERT: certificates,
  AUTHORIZER_TLS_KEY: privateKey,
  AUTHORIZER_CLIENT_CA: certificates,
  /** RuntimeClass of job pods on clusters where the default runtime has no GPU hooks. */
  JOB_RUNTIME_CLASS: z.string().optional(),
  /** Whether root in a job is nobody on the machine, where the machine can do that. */
  JOB_USER_NAMESPACES: flag(true),

  /** What a job without `image` runs. */
  JOB_DEFAULT_IMAGE: z.string().default('docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04'),
  /** The image whose static SSH server is copied into every job's pod. */
  SSH_SERVER_IMAGE: z.string().default('ghcr.io/worldland/ssh-server:1'),
  /**
   * Whether a job whose image is named by a tag asks the registry although the machine has an image of that name: what
   * was pushed again is then run, and only by those whom the registry lets have it. It costs one request for each job.
   * With IfNotPresent, jobs start while the registry is away, of whatever the machine had first under that name. Images
   * that are named by a digest never change and are not asked for again.
   */
  JOB_IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent']).default('Always'),
  JOB_MIN_DURATION_S: whole(60, 1, 86_400),
  JOB_MAX_DURATION_S: whole(30 * 86_400, 60, 365 * 86_400),
  /** How long a pod may take from creation to running: an image of 20 GB on a slow line needs minutes. */
  JOB_START_TIMEOUT_S: whole(900, 5, 7_200),
  /** How long Kubernetes may find no place, or an image may fail to pull, before the job is given up. */
  JOB_STUCK_GRACE_S: whole(30, 1, 3_600),
  /** What POST /api/v1/jobs waits for SSH when the client does not say (`Prefer: wait=N`). */
  JOB_WAIT_DEFAULT_S: whole(20, 0, 60),
  /** Images customers may run: `registry/repository` with `*` at the end of a part. Empty allows any registry. */
  IMAGE_ALLOWLIST: list,
  IMAGE_REQUIRE_DIGEST: flag(false),

  /** Images idle GPUs may mine with, written like IMAGE_ALLOWLIST. Empty: nobody mines. */
  MINING_IMAGE_ALLOWLIST: list,
  /** What one miner may write, the chain's data above all; a miner that writes more is ended and begins anew. */
  MINING_STORAGE_GB: whole(50, 1, 10_000),

  /**
   * Prices per hour of GPUs whose providers name none: `RTX 4090=0.4,A100=1.2,*=0.1`. A name stands for its family too
   * (A100 for an A100-SXM4-80GB) unless a longer one fits; `*` is any other. Agents write 0 for a price that was never
   * set, so 0 is none.
   */
  GPU_DEFAULT_PRICES: list.transform((entries, context) => {
    const { prices, problems } = readGpuDefaultPrices(entries);
    for (const problem of problems) context.addIssue(problem);
    return prices;
  }),
  /** Whether jobs that cost nothing are placed. Default: not in production (NODE_ENV). */
  ALLOW_FREE_JOBS: bool.optional(),

  MAX_JOBS_PER_WALLET: whole(100, 1, 100_000),
  MAX_GPUS_PER_WALLET: whole(256, 1, 100_000),
  /** Jobs of a wallet that were ordered and cannot be reached yet: they hold a machine, and nobody pays for it. */
  MAX_STARTING_JOBS_PER_WALLET: whole(5, 1, 100_000),
  /**
   * Starts within an hour that a wallet may give up, or that fail by its image or program, before it is refused for the
   * rest of the hour. Starts that fail by a provider never count.
   */
  MAX_UNREADY_STARTS_PER_HOUR: whole(3, 1, 100_000),

  /** Silence after which a provider is offline; agents beat every 30 s, so three beats. */
  HEARTBEAT_TIMEOUT_S: whole(90, 3, 3_600),
  /** How long a running job waits for a provider that went away. */
  PROVIDER_LOSS_GRACE_S: whole(300, 1, 86_400),
  /**
   * Of so many different wallets a provider must have failed starts, by its own doing, to be out of placement for a while.
   * With 1, a single customer might do that to it.
   */
  PROVIDER_OUT_WALLETS: whole(3, 2, 100),
  /** For how long, the first time; each further time twice as long, up to a day. A job that starts ends the count. */
  PROVIDER_OUT_S: whole(600, 1, 86_400),
  /**
   * How long a pod on a node that does not answer may be ending before its object is removed. Its kubelet ends what runs
   * there when it comes back; until then whoever rented it may be logged in still.
   */
  LOST_POD_GRACE_S: whole(30, 1, 3_600),
  /**
   * How old something must be before the reconciler judges it. An order is written down a moment before its workflow is
   * started; below some seconds the reconciler would start what the API is just starting, and count a repair.
   */
  RECONCILER_GRACE_S: whole(30, 1, 3_600),

  /** The public origin that wallets and session keys sign; never taken from a Host header. */
  AUTH_AUDIENCE: z
    .url({ protocol: /^https?$/ })
    .transform((value) => new URL(value).origin)
    .default('http://localhost:8080'),
  /** What a proxy takes off the front of the path, such as `/broker`: clients sign the path that they send. */
  AUTH_TARGET_PREFIX: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+)*$/, 'must be a path such as /broker')
    .default(''),
  AUTH_CHAIN_IDS: list.transform((ids) => ids.map(Number)).pipe(z.array(z.number().int().positive())),
  AUTH_MAX_SKEW_S: whole(60, 5, 300),
  AUTH_CHALLENGE_TTL_S: whole(300, 30, 3_600),
  AUTH_SESSION_TTL_S: whole(86_400, 60, 604_800),
  AUTH_SESSION_TTL_MAX_S: whole(604_800, 60, 31_536_000),
  AUTH_TOKEN_TTL_S: whole(3_600, 60, 86_400),
  AUTH_TOKEN_TTL_MAX_S: whole(86_400, 60, 604_800),
  /** Sessions of a wallet, and tokens of a session, that are good at the same time. */
  AUTH_MAX_SESSIONS: whole(10, 1, 1_000),
  AUTH_MAX_TOKENS: whole(10, 1, 1_000),
  AUTH_SMART_WALLETS: flag(false),
  AUTH_RPC_URL: z.url().optional(),
  ADMIN_WALLETS: list.transform((wallets) => wallets.map((wallet) => wallet.toLowerCase())),

  PROVIDER_AUTH_MODE: z.enum(['required', 'permissive', 'off']).default('required'),
  ALLOW_INSECURE_PROVIDERS: flag(false),

  /** Requests a minute: per address for everybody, per wallet for reads, writes and POST /jobs. */
  RATE_LIMIT_PER_IP: whole(600, 1, 10_000_000),
  RATE_LIMIT_READS: whole(300, 1, 10_000_000),
  RATE_LIMIT_WRITES: whole(60, 1, 10_000_000),
  RATE_LIMIT_JOBS: whole(10, 1, 10_000_000),
  /** Per minute and address: what is asked of each route by which one logs in, and logins that are finished. */
  RATE_LIMIT_AUTH: whole(20, 1, 10_000_000),
  RATE_LIMIT_LOGINS: whole(10, 1, 10_000_000),
  /** Per minute: logins that one address begins for one wallet. */
  RATE_LIMIT_CHALLENGES: whole(10, 1, 10_000_000),
  /** Credentials an address may get wrong in five minutes; then it is refused for five. */
  RATE_LIMIT_AUTH_FAILURES: whole(30, 1, 10_000_000),
  /** Messages a minute from one address over HTTPS: a provider sends two and asks for answers; halls of them share one. */
  RATE_LIMIT_PROVIDERS: whole(300, 1, 10_000_000),

  ENABLE_BLOCKCHAIN: flag(false),
  BLOCKCHAIN_CHAIN_ID: z.coerce.number().int().positive().optional(),
});

type Environment = z.infer<typeof environment>;

/** The configuration of one process: the environment, with what follows from several variables worked out. */
export type Config = Readonly<Omit<Environment, keyof WorkedOut>> & WorkedOut;

interface WorkedOut extends TlsWorkedOut {
  readonly BROKER_ROLES: readonly Role[];
  readonly AUTH_CHAIN_IDS: readonly number[];
  readonly ALLOW_FREE_JOBS: boolean;
}

/** What the operator says about prices. */
export type SitePrices = Pick<Config, 'ALLOW_FREE_JOBS' | 'GPU_DEFAULT_PRICES'>;

/** An unusable environment. The message names every variable at fault and never repeats a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration. An empty variable counts as absent; `NAME_FILE` gives the value of `NAME` from a file, for
 * secrets that are mounted.
 *
 * @throws ConfigError naming each variable that is not acceptable.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, string> = {};
  for (const name of Object.keys(environment.shape)) {
    const value = env[name] ?? readSecretFile(name, env[`${name}_FILE`]);
    if (value !== undefined && value !== '') given[name] = value;
  }
  const result = environment.safeParse(given);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`The environment is not acceptable:\n  ${problems.join('\n  ')}`);
  }
  const config = result.data;
  if (config.NODE_ENV === 'production') {
    if (env['AUTH_AUDIENCE'] === undefined) throw new ConfigError('AUTH_AUDIENCE: required in production');
    if (config.PROVIDER_AUTH_MODE === 'off' && !config.ALLOW_INSECURE_PROVIDERS) {
      throw new ConfigError('PROVIDER_AUTH_MODE: off needs ALLOW_INSECURE_PROVIDERS=true in production');
    }
  }
  if (config.AUTH_SMART_WALLETS && config.AUTH_RPC_URL === undefined) {
    throw new ConfigError('AUTH_RPC_URL: required with AUTH_SMART_WALLETS');
  }
  const { tls, problems } = readTls(config);
  if (problems.length > 0) throw new ConfigError(`The environment is not acceptable:\n  ${problems.join('\n  ')}`);
  const canAuthorize = config.AUTHORIZER_TLS_CERT !== undefined;
  if (config.BROKER_ROLES.includes('authorizer') && !canAuthorize) {
    throw new ConfigError('AUTHORIZER_TLS_CERT: required for the role authorizer');
  }
  const byDefault = roles.filter((role) => role !== 'authorizer' || canAuthorize);
  const chainIds = config.AUTH_CHAIN_IDS.length > 0 ? config.AUTH_CHAIN_IDS : [config.BLOCKCHAIN_CHAIN_ID ?? 1];
  return Object.freeze({
    ...config,
    ...tls,
    BROKER_ROLES: config.BROKER_ROLES.length > 0 ? config.BROKER_ROLES : byDefault,
    AUTH_CHAIN_IDS: chainIds,
    ALLOW_FREE_JOBS: config.ALLOW_FREE_JOBS ?? config.NODE_ENV !== 'production',
  });
}

function readSecretFile(name: string, path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`${name}_FILE: cannot be read`, { cause: error });
  }
}
