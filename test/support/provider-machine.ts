import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';

/**
 * A provider's machine as its agent sees it: the programs in PATH are simulated, everything behind the agent is real.
 */
export interface ProviderMachine {
  /** `--state` of the agent. */
  state: string;
  /** Sets how many GPUs its driver finds. */
  setGpus(count: number): void;
  /** The arguments of each call of kubeadm. */
  kubeadmCalls(): string[][];
  /** Runs a command of the agent to its end and returns its output. */
  command(args: string[], env?: Record<string, string>): Promise<{ code: number | null; output: string }>;
  /** Starts the agent itself. */
  run(args: string[], env?: Record<string, string>): RunningAgent;
  /** Runs a shell script on it, as root would. */
  shell(file: string): Promise<number | null>;
  /** Ends what still runs, and removes the machine. */
  remove(): Promise<void>;
}

export interface RunningAgent {
  /** Its whole output. */
  output(): string;
  /** Sends SIGTERM and returns the exit code. */
  stop(): Promise<number | null>;
  exited: Promise<number | null>;
}

/**
 * The prefix of a command that has to run as root: empty, or one that makes a namespace. Undefined if neither is
 * possible.
 */
export function asRoot(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const unshare = ['unshare', '--map-root-user'];
  return spawnSync(unshare[0]!, [...unshare.slice(1), 'true']).status === 0 ? unshare : undefined;
}

/** NVIDIA's driver, as far as the agent uses it. */
const nvidiaSmi = (folder: string) => `#!/bin/sh
gpus=$(cat ${folder}/gpus)
case "$*" in
*--query-gpu=*) i=0; while [ $i -lt $gpus ]; do
  echo "$i, GPU-00000000-0000-0000-0000-00000000000$i, 00000000:0$((i + 1)):00.0, 24564, $((10 + i)), 550.54.15, NVIDIA GeForce RTX 4090"
  i=$((i + 1))
done ;;
*) echo "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |" ;;
esac
`;

/** Records its arguments. It performs a join as far as a machine without a kubelet can, with a simulated one. */
const kubeadm = (folder: string) => `#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >>${folder}/kubeadm-calls
echo >>${folder}/kubeadm-calls
case "$1" in
join) exec ${process.execPath} --import tsx ${join(packageRoot, 'test/support/simulated-kubeadm.ts')} ${folder} "$@" ;;
reset) rm -f ${folder}/kubelet.conf ;;
esac
`;

export function createProviderMachine({ gpus }: { gpus: number }): ProviderMachine {
  const folder = mkdtempSync(join(tmpdir(), 'provider-machine-'));
  const programs = join(folder, 'bin');
  const state = join(folder, 'state');
  const calls = join(folder, 'kubeadm-calls');
  mkdirSync(programs);
  writeFileSync(join(programs, 'nvidia-smi'), nvidiaSmi(folder), { mode: 0o755 });
  writeFileSync(join(programs, 'kubeadm'), kubeadm(folder), { mode: 0o755 });
  writeFileSync(calls, '');
  const setGpus = (count: number) => writeFileSync(join(folder, 'gpus'), `${count}\n`);
  setGpus(gpus);
  const children = new Set<ChildProcess>();
  // The build: loading the sources takes longer than most commands of the agent.
  const agent = [process.execPath, join(packageRoot, 'dist/src/provider-agent/main.js')];

  function start(command: string[], env: Record<string, string> = {}) {
    const [program = '', ...args] = [...(asRoot() ?? []), ...command];
    const child = spawn(program, args, {
      cwd: packageRoot,
      env: {
        ...env,
        PATH: `${programs}:${process.env['PATH'] ?? ''}`,
        HOME: folder,
        PROVIDER_STATE_DIR: state,
        KUBELET_CONF: join(folder, 'kubelet.conf'),
        // This machine is not the one that joins.
        PROVIDER_SKIP_CHECKS: 'all',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    let output = '';
    for (const channel of [child.stdout, child.stderr])
      channel.setEncoding('utf8').on('data', (text) => (output += text));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    void exited.then(() => children.delete(child));
    return { child, exited, output: () => output };
  }

  return {
    state,
    setGpus,
    kubeadmCalls: () =>
      readFileSync(calls, 'utf8')
        .split('\n\n')
        .filter((call) => call !== '')
        .map((call) => call.split('\n')),
    async command(args, env) {
      const { exited, output } = start([...agent, ...args], env);
      return { code: await exited, output: output() };
    },
    shell: (file) => start(['sh', file]).exited,
    run(args, env) {
      const { child, exited, output } = start([...agent, 'run', ...args], env);
      return {
        output,
        exited,
        async stop() {
          child.kill('SIGTERM');
          return await exited;
        },
      };
    },
    async remove() {
      const ended = [...children].map((child) => {
        child.kill('SIGKILL');
        return new Promise((resolve) => child.once('close', resolve));
      });
      await Promise.all(ended);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
