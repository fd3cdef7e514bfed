import type { Context } from '../context.js';
import { exitCodes, Failure } from '../failure.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [names]: Args): Promise<void> {
  const client = await context.client();
  const keys = await client.sshKeys.list();
  for (const name of names as string[]) {
    const key = keys.find((each) => each.name === name || each.key_id === name || each.fingerprint === name);
    if (key === undefined) throw new Failure(exitCodes.notFound, `there is no key "${clean(name)}"`, 'wl keys ls');
    await client.sshKeys.remove(key.key_id);
    context.screen.note(`${clean(key.name)} is forgotten; jobs that run keep it.`);
  }
}
