import { basename } from 'node:path';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { readPublicKey, usualKeyFiles } from '../public-keys.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [given]: Args, flags: { name?: string }): Promise<void> {
  const { screen, global } = context;
  const file = (given as string | undefined) ?? usualKeyFiles()[0];
  if (file === undefined) throw usage('you have no SSH key', 'make one: ssh-keygen -t ed25519');
  const publicKey = readPublicKey(file);
  const name = flags.name ?? basename(file).replace(/\.pub$/, '');
  const key = await (await context.client()).sshKeys.add({ name, publicKey });
  if (global.json === true) return screen.json(key);
  if (global.quiet === true) return screen.print(key.key_id);
  screen.paragraph(`${key.name} is kept: ${key.fingerprint}`);
}
