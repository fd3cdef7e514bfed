import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { podCidr, serviceCidr } from '../kubernetes/kubeadm.js';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { guardAgainstOrphans, reapOrphans } from '../orphans.js';
import { cacheRoot, packageRoot } from '../paths.js';
import { Supervisor } from '../supervisor.js';
import { run } from '../tools/run.js';
import { containerdConfiguration, kubeadmCommand, kubeletPatch, podNetwork } from './configuration.js';
import type { NodePackages } from './packages.js';

/** A network of two, from a range for documentation: nobody else has it. */
const gateway = '198.51.100.1';
const address = '198.51.100.2';
const link = 'wl-node';
/** The cgroup below which everything of the machine runs. */
const cgroup = 'worldland-node';

export interface MachineOptions {
  /** Everything the machine writes is here; what is there already when it starts is what it had when it stopped. */
  folder: string;
  hostName: string;
  packages: NodePackages;
  /** Programs by name that stand in its PATH beside those of the packages. */
  programs: Record<string, string>;
  /** kubeconfigs of the programs that do not come with the join. */
  kubeconfigs: Record<'kube-proxy', string> & Partial<Record<'kube-router', string>>;
  /** Called when no other machine is there any more, and this one is not there yet. */
  onTurn?: (() => void) | undefined;
  log: Log;
  env: NodeJS.ProcessEnv;
}

/** A machine of its own on this one: namespaces in which containerd runs, and a kubelet as soon as it has joined. */
export interface Machine {
  /** Where this machine reaches it, and it says of itself that it is. */
  address: string;
  /** This machine as that one sees it. */
  gateway: string;
  link: string;
  /** A folder with `kubeadm`, to stand first in the PATH of whoever runs a join command. */
  commands: string;
  /** Where this machine finds what is in the folders that it has of its own: `etc/kubernetes`, `var/lib/kubelet`. */
  files: string;
  /** Runs a program in it and answers what it printed. */
  run(command: string, args: string[]): Promise<string>;
  importImage(archive: Buffer): Promise<void>;
  /** From now on, what is pulled from the registry of that name comes from this URL. */
  useRegistry(name: string, url: string): void;
  /** What its programs logged, by name; for the message of a test that failed. */
  logs: string;
  /** Takes it away with everything it had on this machine: processes, mounts, network, cgroups. The folder stays. */
  stop(): Promise<void>;
}

/**
 * Starts the machine. There can be one at a time: whoever comes second waits. It ends with this process, however that
 * one ends.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { folder, packages, log, env } = options;
  const logs = join(folder, 'logs');
  const held = await hold(join(cacheRoot(env), 'real-node.lock'), log);
  try {
    await reapOrphans(join(folder, 'run'), log);
    // What a machine leaves whose supervisor was killed: the kernel does not remove cgroups.
    await gone();
    options.onTurn?.();
    writeFiles(options);
    const guard = guardAgainstOrphans(join(folder, 'run'));
    const supervisor = new Supervisor({ logFolder: logs, guard, log, changed: () => undefined });
    const inside = () => namespacesOf(supervisor.pids()['machine']);
    const stop = async () => {
      await supervisor.stopAll();
      guard.close();
      await gone();
      held();
    };
    try {
      await supervisor.start({
        name: 'machine',
        command: '/bin/sh',
        args: [
          '-c',
          'exec 9</proc/self/ns/net; exec unshare --net --mount --pid --uts --fork --kill-child --mount-proc "$0"',
          join(packageRoot, 'engines/real-node/node-init.sh'),
        ],
        env: {
          PATH: env['PATH'],
          ...{ FOLDER: folder, PACKAGES: packages.root, LIBRARIES: packages.libraries, HOST_NAME: options.hostName },
          ...{ ADDRESS: address, GATEWAY: gateway, LINK: link, CGROUP: cgroup },
          ...{ POD_CIDR: podCidr, SERVICE_CIDR: serviceCidr },
        },
        ready: async () => {
          if (!existsSync(join(folder, 'ready'))) throw new Error('containerd does not answer yet');
        },
        // Nothing in it has to be saved, and its first process is one that the kernel shields from other signals.
        stopSignal: 'SIGKILL',
      });
    } catch (error) {
      await stop();
      throw error;
    }
    writeFileSync(join(folder, 'commands/kubeadm'), kubeadmCommand(inside(), folder), { mode: 0o755 });
    const machine: Machine = {
      ...{ address, gateway, link, logs },
      commands: join(folder, 'commands'),
      files: join(folder, 'own'),
      run: (command, args) =>
        run('nsenter', [...inside(), command, ...args], { env: { ...env, LD_LIBRARY_PATH: packages.libraries } }),
      async importImage(archive) {
        const file = join(folder, 'image.tar');
        writeFileSync(file, archive);
        const ctr = ['--address', '/run/containerd/containerd.sock', '--namespace', 'k8s.io', 'images', 'import'];
        await machine.run(join(packages.root, 'usr/bin/ctr'), [...ctr, file]);
        rmSync(file);
      },
      useRegistry(name, url) {
        const place = join(folder, 'registries', name);
        mkdirSync(place, { recursive: true });
        writeFileSync(
          join(place, 'hosts.toml'),
          `server = "${url}"\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`,
        );
      },
      stop,
    };
    return machine;
  } catch (error) {
    held();
    throw error;
  }
}

function writeFiles({ folder, packages, programs, kubeconfigs }: MachineOptions): void {
  for (const part of ['bin', 'commands', 'patches', 'cni', 'registries', 'logs', 'own'])
    mkdirSync(join(folder, part), { recursive: true, mode: 0o755 });
  rmSync(join(folder, 'ready'), { force: true });
  for (const [name, path] of Object.entries(programs)) {
    rmSync(join(folder, 'bin', name), { force: true });
    symlinkSync(path, join(folder, 'bin', name));
  }
  for (const [name, kubeconfig] of Object.entries(kubeconfigs))
    writeFileSync(join(folder, `${name}.conf`), kubeconfig, { mode: 0o600 });
  writeFileSync(join(folder, 'containerd.toml'), containerdConfiguration(packages.cniPlugins));
  writeFileSync(join(folder, 'cni/template'), podNetwork());
  writeFileSync(join(folder, 'patches/kubeletconfiguration+merge.json'), kubeletPatch(cgroup));
}

/** How a program gets into the machine whose outer process that is; its processes have numbers of their own. */
function namespacesOf(pid: number | undefined): string[] {
  if (pid === undefined) throw new Error('the machine does not run');
  return ['--target', String(pid), '--net', '--mount', '--uts', `--pid=/proc/${pid}/ns/pid_for_children`];
}

/** Takes the lock and answers the function that gives it back, once. */
async function hold(path: string, log: Log): Promise<() => void> {
  let release: () => void = () => undefined;
  await new Promise<void>((held, failed) => {
    withLock(path, 'a real node', log, () => {
      held();
      return new Promise<void>((done) => (release = done));
    }).catch(failed);
  });
  return () => release();
}

/** Waits until the kernel has taken the network link away, which it does by and by, and removes the cgroups. */
async function gone(): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; await sleep(50)) {
    const left = [...cgroups().filter((path) => !removeTree(path)), ...(link in networkInterfaces() ? [link] : [])];
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`left of the machine: ${left.join(', ')}`);
  }
}

function cgroups(): string[] {
  const root = '/sys/fs/cgroup';
  return [root, ...readdirSync(root).map((name) => join(root, name))]
    .map((path) => join(path, cgroup))
    .filter((path) => existsSync(path));
}

/** Removes a tree of cgroups, from its leaves; false while a process that is ending still counts in one of them. */
function removeTree(path: string): boolean {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory() && !removeTree(join(path, entry.name))) return false;
    rmdirSync(path);
    return true;
  } catch {
    return !existsSync(path);
  }
}
