import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeCgroups } from '../cgroups.js';
import { machineAddress } from '../kubernetes/kubeadm.js';
import type { Log } from '../log.js';
import { guardAgainstOrphans, reapOrphans } from '../orphans.js';
import { inNamespaces } from '../namespaces.js';
import { cacheRoot } from '../paths.js';
import { Supervisor, type ProcessSpec } from '../supervisor.js';
import { run, type RunOptions } from '../tools/run.js';
import { takeTurn } from '../turn.js';
import { removeAfterwards } from './left-behind.js';
import type { ContainerPackages } from './packages.js';

/** A network of two addresses, from a range for documentation, beside that of a real node. */
const gateway = '198.51.100.5';
const address = '198.51.100.6';
/** The host's end of it. */
export const link = 'wl-site';
/** The cgroup of all containers. */
export const cgroup = 'worldland-site';
/** The name server of slirp4netns. */
const nameServer = '10.0.2.3';

export interface ContainerEngineOptions {
  /** A folder that is not there yet. It is removed in the end. */
  folder: string;
  packages: ContainerPackages;
  log: Log;
  env: NodeJS.ProcessEnv;
}

/** Docker's engine in namespaces of its own on this machine: nothing of it is visible on the host but one link. */
export interface ContainerEngine {
  folder: string;
  /** The namespace of all its processes, as `/proc/PID/ns/pid` names it. */
  namespace: string;
  /** Where this machine reaches the ports that containers publish at this address. */
  address: string;
  /** Runs `docker` and returns its standard output. */
  docker(args: string[], options?: RunOptions): Promise<string>;
  /** Runs commands of a shell, `docker` among them, and returns their standard output. */
  shell(commands: string, options?: RunOptions): Promise<string>;
  /** Lets containers reach the internet until the function that it returns is called. */
  connect(): Promise<() => Promise<void>>;
  /**
   * Gives images names with a digest, as only a registry does otherwise; by name, the image of that name without one.
   * The engine restarts.
   */
  nameByDigest(names: readonly string[]): Promise<void>;
  /** Removes it with everything it had on this machine. */
  stop(): Promise<void>;
}

/** Starts it. Only one can run at a time: a second caller waits. It ends with this process, however that ends. */
export async function startContainerEngine(options: ContainerEngineOptions): Promise<ContainerEngine> {
  const { folder, log, env, packages } = options;
  const endTurn = await takeTurn('a container engine', env, log);
  const runs = join(cacheRoot(env), 'container-engine-run');
  await reapOrphans(runs, log);
  await gone();
  for (const part of ['logs', 'config/cli-plugins', 'data']) mkdirSync(join(folder, part), { recursive: true });
  symlinkSync(packages.compose, join(folder, 'config/cli-plugins/docker-compose'));
  const guard = guardAgainstOrphans(runs);
  const afterwards = removeAfterwards(folder, cgroup);
  const supervisor = new Supervisor({ logFolder: join(folder, 'logs'), guard, log, changed: () => undefined });
  const stop = async () => {
    await supervisor.stopAll();
    guard.close();
    await gone();
    await afterwards.remove();
    endTurn();
  };
  const { docker, shell } = commandLines(options);
  try {
    await supervisor.start(engineProcess(options, docker));
    const pid = supervisor.pids()['container-engine']!;
    return {
      ...{ folder, address, docker, shell, stop },
      namespace: readlinkSync(`/proc/${pid}/ns/pid_for_children`),
      connect: async () => {
        await supervisor.start(internetOf(pid, packages, env));
        return () => supervisor.stop('internet');
      },
      nameByDigest: async (names) => {
        const file = join(folder, 'data/image/overlay2/repositories.json');
        await withoutDaemon(folder, pid, () => writeFileSync(file, withDigests(readFileSync(file, 'utf8'), names)));
        await supervisor.awaitReady('container-engine');
      },
    };
  } catch (error) {
    const file = join(folder, 'logs/dockerd.log');
    const said = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-15).join('\n') : '';
    await stop();
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  }
}

type Docker = ContainerEngine['docker'];

function commandLines({ folder, packages, env }: ContainerEngineOptions): Pick<ContainerEngine, 'docker' | 'shell'> {
  const own = {
    ...{ HOME: folder, LD_LIBRARY_PATH: packages.libraries },
    PATH: [dirname(packages.docker), env['PATH']].join(delimiter),
    ...{ DOCKER_HOST: `unix://${folder}/docker.sock`, DOCKER_CONFIG: join(folder, 'config'), DOCKER_BUILDKIT: '1' },
  };
  const runWith = (command: string, args: string[], options: RunOptions = {}) =>
    run(command, args, { ...options, env: { ...own, ...options.env } });
  return {
    docker: (args, options) => runWith(packages.docker, args, options),
    shell: (commands, options) => runWith('bash', ['-c', commands], options),
  };
}

function engineProcess({ folder, packages, env }: ContainerEngineOptions, docker: Docker): ProcessSpec {
  return {
    name: 'container-engine',
    ...inNamespaces('containers/engine-init.sh'),
    env: {
      PATH: env['PATH'],
      ...{ FOLDER: folder, PACKAGES: packages.root, LIBRARIES: packages.libraries, NAME_SERVER: nameServer },
      NODE: process.execPath,
      ...{ ADDRESS: address, GATEWAY: gateway, LINK: link, CGROUP: cgroup, HOST_ADDRESS: machineAddress() },
    },
    ready: async () => void (await docker(['version'])),
  };
}

/** A process of this machine that passes on what the namespaces of that process send into the internet. */
function internetOf(pid: number, packages: ContainerPackages, env: NodeJS.ProcessEnv): ProcessSpec {
  const [inside, here] = [`/proc/${pid}/ns/net`, '/proc/self/ns/net'].map((path) => readlinkSync(path));
  // There it would become a second default route.
  if (inside === here) throw new Error('the container engine is in the network of this machine');
  return {
    name: 'internet',
    command: packages.slirp4netns,
    args: ['--configure', '--mtu=1500', '--disable-host-loopback', String(pid), 'tap0'],
    env: { PATH: env['PATH'], LD_LIBRARY_PATH: packages.libraries },
    ready: async () => {
      const routes = readFileSync(`/proc/${pid}/net/route`, 'utf8');
      if (!/^tap0\t00000000\t/m.test(routes)) throw new Error('no default route yet');
    },
  };
}

/** Does something while Docker's engine does not run, and waits until it has ended; the namespaces start it again. */
async function withoutDaemon(folder: string, pid: number, change: () => void): Promise<void> {
  const inside = ['--target', String(pid), '--mount', `--pid=/proc/${pid}/ns/pid_for_children`];
  const end = 'pid=$(cat /run/docker.pid); kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done';
  const hold = join(folder, 'hold');
  writeFileSync(hold, '');
  await run('nsenter', [...inside, 'sh', '-c', end]);
  change();
  rmSync(hold);
}

/** Docker's own list of names, with those of the form `NAME:TAG@DIGEST` added: it looks them up as `NAME@DIGEST`. */
function withDigests(text: string, names: readonly string[]): string {
  const list = JSON.parse(text) as { Repositories: Record<string, Record<string, string>> };
  for (const name of names) {
    const [tagged, digest] = name.split('@') as [string, string];
    const repository = tagged.split(':')[0]!;
    const images = list.Repositories[repository];
    const id = images?.[tagged];
    if (id === undefined) throw new Error(`there is no image ${tagged}`);
    images![`${repository}@${digest}`] = id;
  }
  return JSON.stringify(list);
}

/** Waits until the kernel has removed the network link, which takes it a while, and removes the cgroups. */
async function gone(): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; await sleep(50)) {
    const left = [...removeCgroups(cgroup), ...(link in networkInterfaces() ? [link] : [])];
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`left of a container engine: ${left.join(', ')}`);
  }
}
