import { isIP } from 'node:net';
import { isAddress } from 'viem';
import { z } from 'zod';
import { providerIdSchema } from '../domain/registration.js';
import { checkNames } from './doctor/examine.js';
import { address } from '../wire/shapes.js';
import { price, prices, url } from './option-forms.js';
import { fromEnvironment, requireNoPassword } from './option-sources.js';
import { UsageError } from './usage-error.js';

export { UsageError } from './usage-error.js';

export const commands = ['run', 'doctor', 'scan', 'install', 'authorize', 'key', 'trust', 'leave'] as const;
export type Command = (typeof commands)[number];

/** How an option is set and explained. Secrets have no flag and come from the environment only. */
interface About {
  of: readonly Command[];
  /** The placeholder for its value in the help; absent for a boolean flag. */
  value?: string;
  env?: string;
  help: string;
  secret?: boolean;
}

const known = z.registry<About>();

/** A new schema each time, because the registry is keyed by schema. */
const flag = () => z.boolean().default(false);
const everywhere: readonly Command[] = commands;

/** All options. A flag overrides the environment. */
export const optionsSchema = z.object({
  broker: url('https', 'http')
    .transform((text) => text.replace(/\/+$/, ''))
    .optional()
    .register(known, {
      ...{ of: ['run', 'doctor', 'authorize', 'trust', 'leave'], value: 'URL', env: 'BROKER_URL' },
      help: "the broker's URL, such as https://broker.example.com",
    }),
  redis: url('rediss', 'redis')
    .optional()
    .register(known, {
      ...{ of: ['run'], value: 'URL', env: 'REDIS_URL' },
      help: 'send messages through this Redis instead of HTTPS; put a password in REDIS_URL',
    }),
  state: z
    .string()
    .min(1)
    .default('/var/lib/worldland-provider')
    .register(known, { of: everywhere, value: 'DIR', env: 'PROVIDER_STATE_DIR', help: 'where the node key is kept' }),
  id: providerIdSchema.optional().register(known, {
    ...{ of: ['run', 'authorize', 'leave'], value: 'ID', env: 'PROVIDER_ID' },
    help: "the provider's id (default: the id in the delegation)",
  }),
  owner: address.optional().register(known, {
    ...{ of: ['run'], value: '0x…', env: 'PROVIDER_OWNER' },
    help: "take the signature of this wallet only (default: of the one that signs for this machine's key)",
  }),
  delegation: z
    .string()
    .min(1)
    .optional()
    .register(known, {
      ...{ of: ['run'], value: 'FILE', env: 'PROVIDER_DELEGATION_FILE' },
      help: 'a file with the delegation, which somebody carries here (default: fetch it from the broker)',
    }),
  join: z
    .enum(['yes', 'no', 'ask'])
    .default('ask')
    .register(known, {
      ...{ of: ['run'], value: 'yes|no|ask', env: 'PROVIDER_JOIN' },
      help: 'run the join command as root, or write it to a file; `ask` needs a terminal',
    }),
  skipChecks: z
    .string()
    .transform((text) => text.split(',').flatMap((name) => name.trim().replaceAll('_', ' ') || []))
    .refine((names) => names.every((name) => name === 'all' || checkNames.includes(name)), {
      error: `must be all, or some of ${checkNames.join(', ')}, separated by commas`,
    })
    .default([])
    .register(known, {
      ...{ of: ['run'], value: 'NAME,…', env: 'PROVIDER_SKIP_CHECKS' },
      help: 'join although these checks of `doctor` fail; `all` makes none',
    }),
  caHash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits')
    .optional()
    .register(known, {
      ...{ of: ['run'], value: 'sha256:HEX', env: 'PROVIDER_CA_HASH' },
      help: "join only the cluster with this CA; the broker's operator publishes the hash",
    }),
  brokerKey: address.optional().register(known, {
    ...{ of: ['authorize', 'trust'], value: '0x…', env: 'BROKER_KEY' },
    help: 'the key that signs the answers of the broker (default: ask the broker over TLS)',
  }),
  insecure: flag().register(known, {
    of: ['run', 'trust'],
    help: 'trust a connection to another machine without TLS and without --ca-hash',
  }),
  rejoin: flag().register(known, { of: ['run'], help: 'rejoin the fleet after the provider has left it' }),
  json: flag().register(known, { of: ['scan', 'doctor'], help: 'one JSON document instead of a report' }),
  print: flag().register(known, { of: ['install'], help: 'show what would be written and run, and change nothing' }),
  remove: flag().register(known, { of: ['install'], help: 'stop the service and remove its files' }),
  gpuPrice: price.default(0).register(known, {
    ...{ of: ['run', 'scan'], value: 'PRICE', env: 'GPU_PRICE_PER_HOUR' },
    help: 'price of one GPU per hour',
  }),
  gpuPrices: prices.default({}).register(known, {
    ...{ of: ['run', 'scan'], value: 'NAME=PRICE,…', env: 'GPU_PRICES_PER_HOUR' },
    help: 'prices by GPU name as nvidia-smi prints it, when the machine has several GPU types',
  }),
  cpuPrice: price.default(0).register(known, {
    ...{ of: ['run', 'scan'], value: 'PRICE', env: 'CPU_PRICE_PER_HOUR' },
    help: 'price of one processor per hour',
  }),
  memoryPrice: price.default(0).register(known, {
    ...{ of: ['run', 'scan'], value: 'PRICE', env: 'MEMORY_PRICE_PER_GB_HOUR' },
    help: 'price of one gigabyte of memory per hour',
  }),
  storagePrice: price.default(0).register(known, {
    ...{ of: ['run', 'scan'], value: 'PRICE', env: 'STORAGE_PRICE_PER_GB_HOUR' },
    help: 'price of one gigabyte of disk per hour',
  }),
  shareCpus: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .register(known, {
      ...{ of: ['run', 'scan'], value: 'N', env: 'SHARE_CPUS' },
      help: 'processors to offer (default: all but one)',
    }),
  shareMemoryGb: z.coerce
    .number()
    .min(0.5)
    .optional()
    .register(known, {
      ...{ of: ['run', 'scan'], value: 'N', env: 'SHARE_MEMORY_GB' },
      help: 'gigabytes of memory to offer (default: all but 5%, and at least 1 GB kept)',
    }),
  shareDiskGb: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .register(known, {
      ...{ of: ['run', 'scan'], value: 'N', env: 'SHARE_DISK_GB' },
      help: 'gigabytes of disk to offer (default: 90% of the free space)',
    }),
  region: z
    .string()
    .regex(
      /^[A-Za-z0-9](?:[A-Za-z0-9 .-]{0,30}[A-Za-z0-9])?$/,
      'must be 1 to 32 letters, digits, dots, dashes and spaces',
    )
    .optional()
    .register(known, {
      ...{ of: ['run', 'scan'], value: 'NAME', env: 'PROVIDER_REGION' },
      help: 'where the machine is, such as kr-11; customers may look for it',
    }),
  publicIp: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address')
    .optional()
    .register(known, {
      ...{ of: ['run', 'scan', 'doctor'], value: 'IP', env: 'PUBLIC_IP' },
      help: 'the address at which customers reach this machine, if not its own; never looked up',
    }),
  miningConfig: z
    .string()
    .min(1)
    .optional()
    .register(known, {
      ...{ of: ['run'], value: 'FILE', env: 'MINING_CONFIG_FILE' },
      help: 'a mining_config in JSON: what idle GPUs mine',
    }),
  heartbeatS: z.coerce
    .number()
    .min(1)
    .max(60)
    .default(30)
    .register(known, {
      ...{ of: ['run'], value: 'N', env: 'HEARTBEAT_S' },
      help: 'seconds between heartbeats; a provider is offline after 90 seconds without one',
    }),
  kubeletConf: z
    .string()
    .min(1)
    .default('/etc/kubernetes/kubelet.conf')
    .register(known, {
      ...{ of: ['run', 'scan', 'doctor', 'leave'], value: 'FILE', env: 'KUBELET_CONF' },
      help: 'the file that exists once the machine has joined',
    }),
  nodeKey: z
    .string()
    .refine((text) => isAddress(text, { strict: false }), 'must be an address of 0x and 40 hex digits')
    .optional()
    .register(known, {
      ...{ of: ['authorize'], value: '0x…', env: 'NODE_KEY' },
      help: 'the address that `key` prints on the machine (default: the key in --state)',
    }),
  audience: url('https', 'http')
    .optional()
    .register(known, {
      ...{ of: ['run', 'authorize', 'trust'], value: 'URL', env: 'AUTH_AUDIENCE' },
      help: "the broker's public origin, if it differs from --broker",
    }),
  chainId: z.coerce
    .number()
    .int()
    .min(1)
    .default(1)
    .register(known, {
      ...{ of: ['authorize', 'leave'], value: 'N', env: 'CHAIN_ID' },
      help: 'a chain that the broker accepts',
    }),
  days: z.coerce
    .number()
    .int()
    .min(1)
    .max(90)
    .default(90)
    .register(known, {
      ...{ of: ['authorize'], value: 'N' },
      help: 'days for which the key may speak for the provider',
    }),
  out: z
    .string()
    .min(1)
    .optional()
    .register(known, {
      ...{ of: ['authorize'], value: 'FILE' },
      help: 'write the delegation there instead of leaving it at the broker; - prints it (on the machine itself: delegation.json in --state)',
    }),
  wallet: flag().register(known, { of: ['leave'], help: 'order the exit, with the wallet; else only wait for it' }),
  retire: flag().register(known, {
    of: ['leave'],
    help: 'leave the fleet after the last job; without it, the provider is drained and can return',
  }),
  deadlineHours: z.coerce
    .number()
    .min(0)
    .max(8_760)
    .optional()
    .register(known, {
      ...{ of: ['leave'], value: 'N' },
      help: 'end the jobs after this many hours (default: let each run to its own expiry)',
    }),
  reset: flag().register(known, {
    of: ['leave'],
    help: 'afterwards undo the join on this machine, as root, with kubeadm reset --force',
  }),
  walletPrivateKey: z
    .string()
    .transform((text) => text.trim())
    .pipe(z.string().regex(/^0x[0-9a-fA-F]{64}$/, { error: 'is not a private key', abort: true }))
    .optional()
    .register(known, {
      ...{ of: ['authorize', 'leave'], env: 'WALLET_PRIVATE_KEY', secret: true },
      help: "the owner's private key, or use WALLET_PRIVATE_KEY_FILE; it never leaves this process",
    }),
});

export type Options = z.output<typeof optionsSchema>;
export type OfferOptions = Pick<
  Options,
  'gpuPrice' | 'gpuPrices' | 'cpuPrice' | 'memoryPrice' | 'storagePrice' | 'shareCpus' | 'shareMemoryGb' | 'shareDiskGb'
>;

/** The options of a command, with the flag and the description of each. `install` takes all of `run`. */
export function optionsOf(command: Command): { name: string; flag: string; about: About; byDefault: unknown }[] {
  return Object.entries(optionsSchema.shape).flatMap(([name, schema]) => {
    const about = known.get(schema)!;
    if (!about.of.includes(command) && !(command === 'install' && about.of.includes('run'))) return [];
    const byDefault = schema instanceof z.ZodDefault ? (schema.def.defaultValue as unknown) : undefined;
    return [{ name, flag: name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), about, byDefault }];
  });
}

/**
 * Reads a command's options from its flags and, for flags not given, from the environment. An empty variable counts as
 * absent; `<NAME>_FILE` names a file that holds a secret's value.
 *
 * @param flags the values that `parseArgs` found, by flag.
 * @throws UsageError that never contains a secret.
 */
export function readOptions(
  command: Command,
  flags: Readonly<Record<string, string | boolean | undefined>>,
  env: NodeJS.ProcessEnv,
): Options {
  const given: Record<string, unknown> = {};
  for (const { name, flag: flagName, about } of optionsOf(command)) {
    const value = flags[flagName] ?? fromEnvironment(about, env);
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = optionsSchema.safeParse(given);
  if (parsed.success) return requireNoPassword(parsed.data, flags);
  const all = optionsOf(command);
  throw new UsageError(
    parsed.error.issues
      .map(({ path, message }) => {
        const option = all.find(({ name }) => name === path[0]);
        return option?.about.secret
          ? `${option.about.env} ${message}`
          : `--${option?.flag ?? path.join('.')}: ${message}`;
      })
      .join('\n'),
  );
}
