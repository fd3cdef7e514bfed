import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { findImageNode } from '../engines/tools/image-node.js';
import { versionText } from '../engines/tools/tool.js';

// Runs a command with the image's Node before all others on PATH: `tsx scripts/on-image-node.ts npm test`.

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('✗ name the command to run on the Node of the image');
  process.exit(2);
}
const node = await findImageNode((line) => console.error(line)).catch((error: Error) => {
  console.error(`✗ ${error.message}`);
  process.exit(1);
});
const env = { ...process.env, PATH: `${dirname(node.path)}:${process.env['PATH'] ?? ''}` };
console.error(`on Node ${(await versionText(node)).trim()}, as the image`);
const child = spawn(command, args, { stdio: 'inherit', env });
// The command decides how it ends; this program only passes on what it is told.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(`✗ ${command}: ${error.message}`);
  process.exit(127);
});
child.once('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
