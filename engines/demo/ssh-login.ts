import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobReply } from './customer.js';

/**
 * Logs in with the system's own client, which checks the host key against the one in the job's reply.
 *
 * @returns what the machine says; where no client is installed, that.
 */
export async function readGreeting(
  dataDir: string,
  { ssh_command: command, known_hosts: known = '' }: JobReply,
): Promise<string> {
  const file = join(dataDir, 'known_hosts');
  writeFileSync(file, `${known}\n`);
  const options = [
    `UserKnownHostsFile=${file}`,
    'GlobalKnownHostsFile=none',
    'StrictHostKeyChecking=yes',
    'BatchMode=yes',
  ];
  const [program = 'ssh', ...words] = command.split(' ');
  const args = [...options.flatMap((option) => ['-o', option]), ...words];
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: 20_000 });
    return stdout.trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no ssh is installed here';
    throw error;
  }
}
