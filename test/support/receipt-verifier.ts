import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';

/** The verifier of receipts that shares no code with the broker. */
const verifierPath = join(packageRoot, 'scripts/verify-receipts.py');

/** What this machine lacks to run it. */
export function missingPython(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Python 3.8 or later as python3, for scripts/verify-receipts.py';
  }
}

/** Runs the verifier over what is given, as a file of JSON. */
export async function verifyReceipts(
  given: object,
  args: readonly string[] = [],
): Promise<{ code: number; said: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'receipts-'));
  const file = join(folder, 'receipts.json');
  writeFileSync(file, JSON.stringify(given));
  try {
    return await new Promise((resolve, reject) => {
      const options = { maxBuffer: 64 * 1024 * 1024 };
      const child = execFile('python3', [verifierPath, ...args, file], options, (error, stdout, stderr) => {
        if (child.exitCode === null) reject(error ?? new Error('the verifier did not run'));
        else resolve({ code: child.exitCode, said: stdout + stderr });
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
