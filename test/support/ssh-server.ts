import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

/**
 * The SSH server of jobs as a process of this machine. Its shells do not read the `~/.bashrc` of whoever runs the tests,
 * which may take seconds or never end: Bash reads that file only as the first shell behind an SSH server.
 *
 * @param env what its sessions get besides.
 */
export function spawnSshServer(
  path: string,
  settings: readonly string[],
  stdio: StdioOptions,
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  return spawn(path, ['serve', ...settings], { stdio, env: { ...env, SHLVL: '2' } });
}
