import { readFileSync } from 'node:fs';
import type { Order } from '../client/shapes.js';
import type { Context } from './context.js';
import { usage } from './failure.js';
import { reason } from './files/private-file.js';
import { askHidden } from './terminal/ask.js';
import { clean } from '../words/clean.js';

export interface RegistryFlags {
  /** The name to log in with. */
  registryAuth?: string;
  registryPasswordFile?: string;
}

const variable = 'WORLDLAND_REGISTRY_PASSWORD';

/** The login at the registry of a private image. Its password is never an argument, which every program here could read. */
export async function readRegistryLogin(
  { env, screen }: Context,
  { registryAuth: username, registryPasswordFile: file }: RegistryFlags,
): Promise<Pick<Order, 'registry_auth'>> {
  if (username === undefined) {
    if (file === undefined) return {};
    throw usage('--registry-password-file needs the name to log in with', '--registry-auth NAME');
  }
  if (username.includes(':')) {
    throw usage('--registry-auth takes the name alone', `the password comes from ${variable}, a file or a question`);
  }
  const password = file === undefined ? (env[variable] ?? '') : passwordIn(file);
  if (password !== '') return { registry_auth: { username, password } };
  if (!screen.canAsk)
    throw usage(`there is no password for ${clean(username)}`, `set ${variable}, or: --registry-password-file FILE`);
  return { registry_auth: { username, password: await askHidden(`  Password or token of ${username}: `) } };
}

function passwordIn(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`--registry-password-file ${file} cannot be read: ${reason(error)}`);
  }
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw usage(`--registry-password-file ${file} is empty`);
  return password;
}
