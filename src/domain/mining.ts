import type { FieldProblem } from './errors.js';
import { imageName, imageRefusal, parseImage } from './image.js';
import { envProblems } from './job-env.js';
import { noWallet, type MiningConfig } from './registration.js';
import type { ProviderStatus } from '../wire/statuses.js';

/** The site's rules for miners. */
export interface MiningPolicy {
  /** `MINING_IMAGE_ALLOWLIST`; an empty list turns mining off. */
  imageAllowlist: readonly string[];
}

/** The facts that decide whether a provider's idle GPUs mine. */
export interface MiningSituation {
  status: ProviderStatus;
  cordoned: boolean;
  /** What its owner last chose with the routes `start` and `stop`. */
  enabled: boolean;
  /** The provider's wallet, which is mined for unless the configuration names another. */
  wallet: string;
  /** `null` if the provider never asked to mine. */
  config: MiningConfig | null;
  /** Whole GPUs of one resource that may be sold: those offered that the cluster counts. */
  gpus: number;
  /** The resource of the GPUs; absent for `nvidia.com/gpu`. */
  gpuResource?: string;
}

/** One miner: a pod with one GPU. */
export interface Miner {
  /** The full image reference. */
  image: string;
  args: string[];
  /** May contain secrets such as a pool's password, so it must never be part of a pod's specification. */
  env: Record<string, string>;
  /** The path of an empty directory that belongs to the pod, whatever the machine has at this path. */
  dataDir: string;
  cpuMillis: number;
  memoryMb: number;
  /** The Kubernetes resource of its GPU; absent for `nvidia.com/gpu`. */
  gpuResource?: string;
}

/** The name of a provider's miners and of their Secret. It is valid for every provider id. */
export function minersName(providerId: string): string {
  return `mining-${providerId}`;
}

/** How many miners a provider should have, each with one GPU; if none, the reason. */
export type MiningPlan = { miners: number; miner: Miner } | { miners: 0; miner?: undefined; reason: string };

/** The image that existing agents expect when they name none. */
const fieldImage = 'mingeyom/worldland-mio:latest';
const fieldDataDir = '/worldland/data';
const fieldGpuCount = 1;
const fieldCpuCores = 2;
const fieldMemoryMb = 4_096;
/** The least CPU a miner gets, however many share what the provider gives. */
const minCpuMillis = 100;
const minMemoryMb = 256;
/** Each pod has its own address, so all miners can listen on the network's usual port. */
export const miningP2pPort = 30_303;

const maxPathLength = 255;
/** Directories that an image needs unchanged; mounting a volume there would hide the miner's program. */
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
/** Only listed images may mine, so a message must not set variables that make them run other code or use other GPUs. */
const decidesCode = /^(?:LD_|(?:PATH|ENV|BASH_ENV|IFS|CUDA_VISIBLE_DEVICES|NVIDIA_DRIVER_CAPABILITIES)$)/;
const printable = /^[\x20-\x7e]+$/;
/** Flags that the broker sets itself, and flags that would listen on a closed port. */
const ownFlags = new Set(['mio', 'datadir', 'port', 'networkid', 'bootnodes', 'mine', 'miner.etherbase', 'syncmode']);
const listeningFlag = /^(?:http|ws|rpc|graphql|authrpc|metrics|pprof)(?:\.|$)/;

/**
 * All problems of a mining configuration. It comes from a stranger, so its values are never repeated.
 *
 * @returns problems with the wire's field names, such as `env_vars.LD_PRELOAD`.
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
 * Decides how many miners a provider should have: one for each GPU it wants to mine with, rented or not. Miners without
 * a free GPU wait for one, and jobs preempt miners at any time.
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

/** Applies a later message to a configuration; its empty fields change nothing. */
export function changedMiningConfig(config: MiningConfig | null, change: MiningConfig): MiningConfig {
  const said = Object.entries(change).filter(([, value]) =>
    typeof value === 'object' ? Object.keys(value).length > 0 : Boolean(value),
  );
  return { ...(config ?? change), ...Object.fromEntries(said) };
}

/**
 * The owner's sizes are totals. They are divided by the number of miners that he asked for, not by the current number,
 * so that the other miners stay unchanged when the machine gains or loses a GPU.
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
