import { spawn } from 'node:child_process';
import { maxUseBytes, readUse, type JobUse } from '../../domain/job-use.js';
import { clean } from '../../words/clean.js';
import { exitCodes, Failure } from '../failure.js';

/** A person may have to type the passphrase of a key. */
const withinMs = 120_000;

/** Asks a machine by the system's ssh. What it answers is a stranger's, and read as strictly as the broker does. */
export async function askUse(args: readonly string[], name: string): Promise<JobUse> {
  const { text, said } = await answerOf(args);
  const use = readUse(text, new Date());
  if (use !== undefined) return use;
  const why = /subsystem request failed/i.test(said)
    ? `the SSH server of ${name} is of an earlier version, and does not say what the job uses`
    : `the machine of ${name} does not answer${said === '' ? '' : `: ${said}`}`;
  throw new Failure(exitCodes.unreachable, why, `wl ssh ${name}`);
}

async function answerOf(args: readonly string[]): Promise<{ text: string; said: string }> {
  return await new Promise((resolve, reject) => {
    // ssh asks for passphrases on the terminal itself.
    const child = spawn('ssh', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: withinMs });
    const pieces: Buffer[] = [];
    let size = 0;
    let said = '';
    child.stdout.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= maxUseBytes) pieces.push(piece);
      else child.kill();
    });
    child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-2_000)));
    child.once('error', () => reject(new Failure(exitCodes.bug, 'ssh is not installed', 'install OpenSSH')));
    child.once('close', () => {
      const lines = said.split('\n').map(clean);
      const last = lines.filter((line) => line.trim() !== '').at(-1) ?? '';
      resolve({ text: Buffer.concat(pieces).toString(), said: last });
    });
  });
}
