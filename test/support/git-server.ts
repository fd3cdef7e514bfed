import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../../engines/log.js';
import { findSshServer } from '../../engines/tools/ssh-server.js';
import { newKey, opens } from './customer.js';
import { spawnSshServer } from './ssh-server.js';

/** A repository that is served over SSH on this machine, to one key. */
export interface GitServer {
  /** What `git clone` takes. */
  url: string;
  /** An agent that has the key. */
  agentSocket: string;
  close(): Promise<void>;
}

/** @param host an address of this machine that its clients can reach. */
export async function startGitServer(host: string, port: number, readme: string): Promise<GitServer> {
  const [folder, hostKey] = [newKey(), newKey()];
  const repository = join(folder, 'work.git');
  mkdirSync(repository);
  writeFileSync(join(repository, 'README'), readme);
  const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args], { stdio: 'pipe' });
  git('init', '-q');
  git('add', 'README');
  git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '-qm', 'Begin');
  copyFileSync(join(folder, 'id.pub'), join(folder, 'authorized_keys'));
  const { path } = await findSshServer(silent);
  const keys = ['--authorized-keys', join(folder, 'authorized_keys'), '--host-key', join(hostKey, 'id')];
  const server = spawnSshServer(path, ['--address', host, '--port', String(port), ...keys], 'ignore');
  const agentSocket = join(folder, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: 'ignore' });
  for (let tries = 0; !(await opens(host, port)); tries++) {
    if (tries > 100) throw new Error('the git server does not answer');
    await sleep(100);
  }
  execFileSync('ssh-add', ['-q', join(folder, 'id')], { env: { ...process.env, SSH_AUTH_SOCK: agentSocket } });
  return {
    url: `ssh://root@${host}:${port}${repository}`,
    agentSocket,
    async close() {
      const ends = [server, agent].map((child) => once(child, 'exit'));
      server.kill('SIGKILL');
      agent.kill();
      await Promise.all(ends);
      for (const each of [folder, hostKey]) rmSync(each, { recursive: true });
    },
  };
}
