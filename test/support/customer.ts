import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../../src/client/session.js';
import { images } from '../../engines/real-node/node.js';

/** The members of a job reply that a customer needs to log in. */
export interface Job {
  job_id: string;
  status: string;
  ssh_host: string;
  ssh_port: number;
  ssh_host_key_fingerprint: string;
  known_hosts: string;
}

/** A job, and the folder with the key that opens it. */
export interface Rented extends Job {
  wallet: string;
  folder: string;
}

/**
 * Rents a machine and waits until it runs.
 *
 * @throws Error with the reply if it does not.
 */
export async function rent(customer: Session, order: object): Promise<Rented> {
  const folder = newKey();
  const reply = await customer.request(
    'POST',
    '/api/v1/jobs',
    {
      ...{ gpu_type: 'RTX 4090', gpu_count: 1, cpu_cores: 1, memory_gb: '256Mi', storage_gb: 1, duration_hours: 1 },
      ...{ image: images.machine, ssh_public_keys: [readFileSync(join(folder, 'id.pub'), 'utf8').trim()], ...order },
    },
    { prefer: 'wait=60' },
  );
  const job = reply.body as Job;
  if (reply.status !== 201) {
    rmSync(folder, { recursive: true });
    throw new Error(`${reply.status}: ${JSON.stringify(job)}`);
  }
  return { ...job, folder, wallet: customer.wallet };
}

/** A folder with a new key pair. */
export function newKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'customer-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'customer', '-f', join(folder, 'id')]);
  return folder;
}

/** Ends the job before its expiry. */
export async function end(customer: Session, { job_id: id, folder }: Rented): Promise<void> {
  await customer.request('DELETE', `/api/v1/jobs/${id}`, undefined, { prefer: 'wait=60' });
  rmSync(folder, { recursive: true, force: true });
}

type Target = Pick<Rented, 'folder' | 'known_hosts' | 'ssh_host' | 'ssh_port'>;

/** Trusts only the host key in the job's reply. */
export function sshOptions({ folder, known_hosts: line }: Target): string[] {
  writeFileSync(join(folder, 'known_hosts'), `${line}\n`);
  return [
    ...['-F', 'none', '-i', join(folder, 'id'), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
    ...['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${join(folder, 'known_hosts')}`],
    ...['-o', 'GlobalKnownHostsFile=none', '-o', 'ConnectTimeout=10', '-o', 'LogLevel=ERROR'],
  ];
}

/** Logs in with this system's SSH client. */
export function ssh(target: Target, command: string) {
  return run('ssh', [...sshOptions(target), '-p', String(target.ssh_port), `root@${target.ssh_host}`, command]);
}

/** Runs a program and returns its output, standard error last. */
export function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(command, args, { timeout: 300_000, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, output: stdout + stderr }),
    );
  });
}

/** Whether connections to that address are accepted. */
export function opens(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: 3_000 });
    const answer = (open: boolean) => {
      socket.destroy();
      done(open);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}
