import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeCgroups } from '../cgroups.js';
import { podCidr, serviceCidr } from '../kubernetes/kubeadm.js';
import type { Log } from '../log.js';
import { guardAgainstOrphans, reapOrphans } from '../orphans.js';
import { inNamespaces } from '../namespaces.js';
import { Supervisor } from '../supervisor.js';
import { run } from '../tools/run.js';
import { takeTurn } from '../turn.js';
import { containerdConfiguration, kubeadmCommand, kubeletPatch, podNetwork } from './configuration.js';
import type { NodePackages } from './packages.js';

/** A network of two addresses, from a range for documentation: nothing else uses it. */
export const machineRange = '198.51.100.0/30';
export const gateway = '198.51.100.1';
const address = '198.51.100.2';
const link = 'wl-node';
/** The cgroup of all the machine's processes. */
const cgroup = 'worldland-node';

export interface MachineOptions {
  /** The folder for everything the machine writes; if it has files at the start, the machine continues with them. */
  folder: string;
  hostName: string;
  packages: NodePackages;
  /** Programs in its PATH besides those of the packages, by name. */
  programs: Record<string, string>;
  /** kubeconfigs of the programs that the join does not set up. */
  kubeconfigs: Record<'kube-proxy', string> & Partial<Record<'kube-router', string>>;
  /** Called once no other machine is running and before this one starts. */
  onTurn?: (() => void) | undefined;
  log: Log;
  env: NodeJS.ProcessEnv;
}

/** A machine inside this one: namespaces in which containerd runs, and a kubelet as soon as it has joined. */
export interface Machine {
  /** The address under which this machine reaches it, and which it reports itself. */
  address: string;
  /** This machine's address as seen from inside. */
  gateway: string;
  link: string;
  /** A folder with `kubeadm`, to put first in the PATH of a program that runs a join command. */
  commands: string;
  /** Where this machine finds the folders that the other one has for itself: `etc/kubernetes`, `var/lib/kubelet`. */
  files: string;
  /** Runs a program in it and returns its output. */
  run(command: string, args: string[]): Promise<string>;
  importImage(archive: Buffer): Promise<void>;
  /** From now on, pulls from the registry of that name go to this URL. */
  useRegistry(name: string, url: string): void;
  /** The logs of its programs, by name; for the message of a failed test. */
  logs: string;
  /** Removes it with everything it had on this machine: processes, mounts, network, cgroups. The folder stays. */
  stop(): Promise<void>;
}

/**
 * Starts the machine. Only one can run at a time: a second caller waits. It ends with this process, however that ends.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { folder, packages, log, env } = options;
  const logs = join(folder, 'logs');
  const held = await takeTurn('a real node', env, log);
  try {
    await reapOrphans(join(folder, 'run'), log);
    // Cgroups that a machine left behind when its supervisor was killed: the kernel does not remove them.
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
        ...inNamespaces('real-node/node-init.sh'),
        env: {
          PATH: env['PATH'],
          ...{ FOLDER: folder, PACKAGES: packages.root, LIBRARIES: packages.libraries, HOST_NAME: options.hostName },
          ...{ ADDRESS: address, GATEWAY: gateway, LINK: link, CGROUP: cgroup },
          ...{ POD_CIDR: podCidr, SERVICE_CIDR: serviceCidr },
        },
        ready: async () => {
          if (!existsSync(join(folder, 'ready'))) throw new Error('containerd does not answer yet');
        },
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

/** The nsenter command into the machine with this outer process; inside, processes have numbers of their own. */
function namespacesOf(pid: number | undefined): string[] {
  if (pid === undefined) throw new Error('the machine does not run');
  return ['--target', String(pid), '--net', '--mount', '--uts', `--pid=/proc/${pid}/ns/pid_for_children`];
}

/** Waits until the kernel has removed the network link, which takes it a while, and removes the cgroups. */
async function gone(): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; await sleep(50)) {
    const left = [...removeCgroups(cgroup), ...(link in networkInterfaces() ? [link] : [])];
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`left of the machine: ${left.join(', ')}`);
  }
}
