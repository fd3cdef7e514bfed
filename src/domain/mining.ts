import type { FieldProblem } from './errors.js';
import { imageName, imageRefusal, parseImage } from './image.js';
import { envProblems } from './job-env.js';
import type { ProviderStatus } from './provider.js';
import { noWallet, type MiningConfig } from './registration.js';

/** What the site lets miners run. */
export interface MiningPolicy {
  /** `MINING_IMAGE_ALLOWLIST`; empty: nobody mines. */
  imageAllowlist: readonly string[];
}

/** What decides whether a provider's idle GPUs mine. */
export interface MiningSituation {
  status: ProviderStatus;
  cordoned: boolean;
  /** What its owner last said by the routes `start` and `stop`. */
  enabled: boolean;
  /** Of the provider; where its configuration names none, it is mined for this one. */
  wallet: string;
  /** `null` when it never asked to mine. */
  config: MiningConfig | null;
  /** Whole GPUs of one resource that may be sold: what it offers, as far as the cluster counts them. */
  gpus: number;
  /** That resource; absent for `nvidia.com/gpu`. */
  gpuResource?: string;
}

/** One miner: a pod with one GPU. */
export interface Miner {
  /** In full. */
  image: string;
  args: string[];
  /** May hold secrets, such as the password of a pool: never in a pod's own text. */
  env: Record<string, string>;
  /** An empty directory of the pod's own, whatever the machine has at this path. */
  dataDir: string;
  cpuMillis: number;
  memoryMb: number;
  /** What its GPU is to Kubernetes; absent for `nvidia.com/gpu`. */
  gpuResource?: string;
}

/** What a provider's miners and their Secret are called. Any provider id fits. */
export function minersName(providerId: string): string {
  return `mining-${providerId}`;
}

/** How many miners a provider is to have, each of one GPU; with none, why. */
export type MiningPlan = { miners: number; miner: Miner } | { miners: 0; miner?: undefined; reason: string };

/** What the field's agents mean when they name none. */
const fieldImage = 'mingeyom/worldland-mio:latest';
const fieldDataDir = '/worldland/data';
const fieldGpuCount = 1;
const fieldCpuCores = 2;
const fieldMemoryMb = 4_096;
/** Less than this no miner starts with, however many share what the provider gives. */
const minCpuMillis = 100;
const minMemoryMb = 256;
/** Every pod has an address of its own, so all miners listen on the port that the network's nodes are known by. */
export const miningP2pPort = 30_303;

const maxPathLength = 255;
/** Directories that an image needs as they are; a volume there would take the miner's own program away. */
const systemDirectories = new Set([
  'bin',
  'boot',
  'dev',
  'etc',
  'lib',
  'lib32',
  'lib64',
  'proc',
  'run',
  'sbin',
  'sys',
  'usr',
  'var',
]);
const bootnode = /^(?:enode:\/\/[0-9a-f]{128}@[0-9a-z.:[\]-]{1,260}(?:\?discport=\d{1,5})?|enr:[\w-]{1,600})$/i;
/** Only listed images mine: what would have them run other code, or other GPUs, is not for a message to say. */
const decidesCode = /^(?:LD_|(?:PATH|ENV|BASH_ENV|IFS|CUDA_VISIBLE_DEVICES|NVIDIA_DRIVER_CAPABILITIES)$)/;
const printable = /^[\x20-\x7e]+$/;
/** Flags that the broker sets itself; those that would listen on a port which is closed. */
const ownFlags = new Set(['mio', 'datadir', 'port', 'networkid', 'bootnodes', 'mine', 'miner.etherbase', 'syncmode']);
const listeningFlag = /^(?:http|ws|rpc|graphql|authrpc|metrics|pprof)(?:\.|$)/;

/**
 * Everything in a mining configuration that may not run here. It comes from a stranger; values are never repeated.
 *
 * @returns problems with the names of the wire, such as `env_vars.LD_PRELOAD`.
 */
export function miningProblems(config: MiningConfig, policy: MiningPolicy): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const refuse = (field: string, message: string | undefined) => {
    if (message !== undefined) problems.push({ field, message });
  };
  refuse('image', imageProblem(config.image || fieldImage, policy));
  if (config.nodeDataDir !== undefined) refuse('node_data_dir', dataDirProblem(config.nodeDataDir));
  config.extraArgs.forEach((arg, index) => refuse(`extra_args.${index}`, argProblem(arg)));
  config.bootnodes.forEach((node, index) => {
    if (!bootnode.test(node)) refuse(`bootnodes.${index}`, 'is neither enode://<key>@<host>:<port> nor enr:…');
  });
  for (const { field, message } of envProblems(config.envVars)) refuse(field.replace(/^env/, 'env_vars'), message);
  for (const name of Object.keys(config.envVars)) {
    if (decidesCode.test(name)) refuse(`env_vars.${name}`, 'decides what else the miner runs, and cannot be set');
  }
  return problems;
}

/**
 * Decides how many miners a provider is to have. As many as GPUs that it wants mined, rented or not: those that find no
 * free GPU wait for one, and jobs take theirs whenever they come.
 */
export function planMining(situation: MiningSituation, policy: MiningPolicy): MiningPlan {
  const { config, enabled, status, cordoned, gpus } = situation;
  const none = (reason: string): MiningPlan => ({ miners: 0, reason });
  if (policy.imageAllowlist.length === 0) return none('mining is off on this site: MINING_IMAGE_ALLOWLIST is empty');
  if (!enabled) return none('its owner stopped it');
  if (config === null) return none('its registration has no mining_config');
  const problems = miningProblems(config, policy);
  if (problems.length > 0) return none(`mining_config is not acceptable: ${described(problems)}`);
  const wallet = config.walletAddress ?? situation.wallet;
  if (wallet === noWallet) return none('mining_config names no wallet_address, and its registration no wallet');
  if (status !== 'available' && status !== 'busy') return none(`the provider is ${status}`);
  if (cordoned) return none('the provider takes nothing new');
  const miners = Math.min(config.gpuCount || fieldGpuCount, gpus);
  if (miners === 0) return none('the cluster counts none of its GPUs');
  const { gpuResource } = situation;
  return { miners, miner: { ...minerOf(config, wallet), ...(gpuResource === undefined ? {} : { gpuResource }) } };
}

/** Over a configuration, what a later message says anew; what is empty there counts as not said. */
export function changedMiningConfig(config: MiningConfig | null, change: MiningConfig): MiningConfig {
  const said = Object.entries(change).filter(([, value]) =>
    typeof value === 'object' ? Object.keys(value).length > 0 : Boolean(value),
  );
  return { ...(config ?? change), ...Object.fromEntries(said) };
}

/**
 * Sizes are for all miners that the owner asks for together. Shared among these, not among those that there are now:
 * with a GPU more or less in the machine, the others go on as they are.
 */
function minerOf(config: MiningConfig, wallet: string): Miner {
  const sharers = config.gpuCount || fieldGpuCount;
  const dataDir = config.nodeDataDir ?? fieldDataDir;
  return {
    image: imageName(parseImage(config.image || fieldImage)),
    args: [
      ...config.extraArgs,
      ...['--mio', '--mine', '--miner.etherbase', wallet],
      ...['--datadir', dataDir, '--syncmode', 'full', '--port', String(miningP2pPort)],
      ...(config.networkId === undefined ? [] : ['--networkid', String(config.networkId)]),
      ...(config.bootnodes.length === 0 ? [] : ['--bootnodes', config.bootnodes.join(',')]),
    ],
    env: config.envVars,
    dataDir,
    cpuMillis: Math.max(minCpuMillis, Math.floor(((config.cpuCores || fieldCpuCores) * 1_000) / sharers)),
    memoryMb: Math.max(minMemoryMb, Math.floor((config.memoryMb || fieldMemoryMb) / sharers)),
  };
}

function imageProblem(image: string, { imageAllowlist }: MiningPolicy): string | undefined {
  if (imageAllowlist.length === 0) return 'mining is off on this site';
  try {
    return imageRefusal(parseImage(image), { allowlist: imageAllowlist, requireDigest: false });
  } catch (error) {
    return (error as Error).message;
  }
}

function dataDirProblem(path: string): string | undefined {
  const [root, first = '', ...rest] = path.split('/');
  const isPlain = root === '' && [first, ...rest].every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part));
  if (!isPlain || path.length > maxPathLength) return 'is not a plain absolute path';
  return systemDirectories.has(first) ? 'is a directory of the system: nothing of the machine is mounted' : undefined;
}

function argProblem(arg: string): string | undefined {
  if (!printable.test(arg)) return 'is empty, or holds something other than printable ASCII';
  if (!arg.startsWith('-')) return undefined;
  const name = arg.replace(/^-+/, '').split('=')[0]!;
  if (name === '') return 'would end the flags';
  if (ownFlags.has(name)) return 'is set by the broker';
  return listeningFlag.test(name) ? 'would listen on a port that is closed here' : undefined;
}

function described(problems: readonly FieldProblem[]): string {
  const shown = problems.slice(0, 5).map(({ field, message }) => `${field} ${message}`);
  const more = problems.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
