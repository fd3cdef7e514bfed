import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Role } from '../src/config.js';
import type { Endpoints, Engine, EngineContext } from './engine.js';
import { packageRoot } from './paths.js';
import { answersOk } from './probe.js';
import { keptReceiptKey } from './receipt-key.js';
import type { ProcessSpec } from './supervisor.js';

/**
 * The compiled program of the broker, or what BROKER_MAIN names.
 *
 * @throws Error when it has not been built.
 */
export function brokerEntryPoint(env: NodeJS.ProcessEnv): string {
  const path = resolve(env['BROKER_MAIN'] || join(packageRoot, 'dist/src/main.js'));
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`npm run build\` first`);
  return path;
}

/** The image sets the same for Node.js and the C library; docs/operate.md explains why. */
export const memoryBounds = { NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=8', MALLOC_ARENA_MAX: '2' };

/** Where machines of a local stack stand: made-up addresses, at which nobody answers, and loopback, where they can. */
export const localRanges = '198.18.0.0/15,127.0.0.0/8';

/** What one process of the broker runs: a role, or all of them as `broker`. */
export type BrokerProcess = Role | 'broker';

/** The environment of the engines: of every role, and what the role `worker` alone may know. */
export type BrokerEnvironment = Required<Pick<Engine, 'roleEnv' | 'workerEnv'>>;

/** A process of the broker beside those that a stack starts with. */
export interface AddedProcess {
  runs: BrokerProcess;
  /** The folder of another build, with its package.json and `dist/`; that of the other processes by default. */
  build?: string;
}

/**
 * Starts processes of the broker; a role named twice runs twice (`worker`, `worker-2`). The engines'
 * environment has their addresses, `main` is the program, and `env` is the caller's environment, which decides everything else.
 * Node is the one that runs this, or BROKER_NODE.
 *
 * The address of an engine in this stack is never taken from the caller's environment: with another cluster's
 * KUBECONFIG in the shell, the local broker would otherwise change that cluster.
 */
export async function startBrokerProcesses(
  context: EngineContext,
  main: string,
  processes: readonly BrokerProcess[],
  engines: BrokerEnvironment,
): Promise<Partial<Endpoints>> {
  if (processes.length === 0) return {};
  const { api, port } = await publicApi(context);
  const metrics: Record<string, string> = {};
  const counts = new Map<BrokerProcess, number>();
  const starting: Promise<void>[] = [];
  for (const runs of processes) {
    const count = (counts.get(runs) ?? 0) + 1;
    counts.set(runs, count);
    const name = count === 1 ? runs : `${runs}-${count}`;
    const metricsPort = await context.ports.take(`metrics-${name}`);
    // A second api process would need its own port and a load balancer in front.
    const proxyPort = isOpen(runs) && count > 1 ? await context.ports.take(name) : port;
    metrics[name] = metricsAt(metricsPort);
    const own = { runs, cwd: packageRoot, main, metricsPort, proxyPort };
    starting.push(context.supervisor.start(brokerProcess(context, name, own, engines, api)));
  }
  await Promise.all(starting);
  return { ...(counts.has('api') || counts.has('broker') ? { api } : {}), metrics };
}

/**
 * Starts one more process beside others, maybe of another build. Its API has a port of its own; its public origin is
 * that of the stack, as behind a load balancer.
 *
 * @returns the address of its metrics and, of an API, its own.
 */
export async function addBrokerProcess(
  context: EngineContext,
  name: string,
  { runs, build }: AddedProcess,
  engines: BrokerEnvironment,
): Promise<{ metrics: string; api?: string }> {
  const { api } = await publicApi(context);
  const metricsPort = await context.ports.take(`metrics-${name}`);
  const proxyPort = isOpen(runs) ? await context.ports.take(name) : 0;
  const main = brokerEntryPoint(build === undefined ? context.env : { BROKER_MAIN: join(build, 'dist/src/main.js') });
  const own = { runs, cwd: build ?? packageRoot, main, metricsPort, proxyPort };
  await context.supervisor.start(brokerProcess(context, name, own, engines, api));
  return { metrics: metricsAt(metricsPort), ...(isOpen(runs) ? { api: `http://127.0.0.1:${proxyPort}` } : {}) };
}

const isOpen = (runs: BrokerProcess) => runs === 'api' || runs === 'broker';
const isWorker = (runs: BrokerProcess) => runs === 'worker' || runs === 'broker';
const metricsAt = (port: number) => `http://127.0.0.1:${port}/metrics`;

async function publicApi({ ports, env }: EngineContext): Promise<{ api: string; port: number }> {
  const port = Number(env['PROXY_PORT']) || (await ports.take('api'));
  return { api: `http://127.0.0.1:${port}`, port };
}

interface OneProcess {
  runs: BrokerProcess;
  cwd: string;
  main: string;
  metricsPort: number;
  proxyPort: number;
}

/** What its own start command loads first; earlier versions have no such file. */
function preloaded(main: string): string[] {
  const file = join(dirname(main), 'temporal/workflow-threads.js');
  return existsSync(file) ? ['--import', pathToFileURL(file).href] : [];
}

function brokerProcess(
  { dataDir, env }: EngineContext,
  name: string,
  { runs, cwd, main, metricsPort, proxyPort }: OneProcess,
  { roleEnv, workerEnv }: BrokerEnvironment,
  api: string,
): ProcessSpec {
  return {
    name,
    command: env['BROKER_NODE'] || process.execPath,
    args: ['--enable-source-maps', ...preloaded(main), main],
    cwd,
    env: {
      PROXY_HOST: '127.0.0.1',
      AUTH_AUDIENCE: api,
      // A local stack needs no network: its machines do not pull images either.
      IMAGE_RESOLVE: 'off',
      PROVIDER_PRIVATE_CIDRS: localRanges,
      ...(isWorker(runs) ? { RECEIPT_PRIVATE_KEY: keptReceiptKey(dataDir) } : {}),
      ...memoryBounds,
      ...env,
      ...roleEnv,
      ...(isWorker(runs) ? workerEnv : {}),
      BROKER_ROLES: runs === 'broker' ? '' : runs,
      PROXY_PORT: String(proxyPort),
      // The API server asks only one of them, which has the name of its role.
      ...(name === runs ? {} : { AUTHORIZER_PORT: '0' }),
      METRICS_HOST: '127.0.0.1',
      METRICS_PORT: String(metricsPort),
    },
    ready: () =>
      answersOk(isOpen(runs) ? `http://127.0.0.1:${proxyPort}/ready` : `http://127.0.0.1:${metricsPort}/ready`),
    // On a busy machine, loading the program alone may take a minute.
    readyTimeoutMs: 240_000,
    // A little longer than the broker itself may take to finish its work.
    stopTimeoutMs: (Number(env['SHUTDOWN_GRACE_S']) || 20) * 1000 + 5_000,
  };
}
