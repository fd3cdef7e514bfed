import { basename } from 'node:path';
import { jobLabel } from '../../words/job-label.js';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { jobMeant } from '../job-words.js';
import { readPublicKey, usualKeyFiles } from '../public-keys.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [given]: Args, flags: { name?: string; job?: string }): Promise<void> {
  const { screen, global } = context;
  const file = (given as string | undefined) ?? usualKeyFiles()[0];
  if (file === undefined) throw usage('you have no SSH key', 'make one: ssh-keygen -t ed25519');
  const publicKey = readPublicKey(file);
  if (flags.job !== undefined) {
    if (flags.name !== undefined) throw usage('a job has keys without names: leave --name out');
    return await letIn(context, flags.job, publicKey);
  }
  const name = flags.name ?? basename(file).replace(/\.pub$/, '');
  const key = await (await context.client()).sshKeys.add({ name, publicKey });
  if (global.json === true) return screen.json(key);
  if (global.quiet === true) return screen.print(key.key_id);
  screen.paragraph(`${key.name} is kept: ${key.fingerprint}`);
}

async function letIn(context: Context, word: string, publicKey: string): Promise<void> {
  const { screen, global } = context;
  const api = await context.client();
  const { job } = await jobMeant(api, word);
  const added = await api.jobs.addSshKey(job.job_id, publicKey);
  if (global.json === true) return screen.json(added);
  if (global.quiet === true) return screen.print(added.fingerprint);
  const when = added.takes_effect === 'at_start' ? 'when it starts' : 'in two minutes at the latest';
  screen.paragraph(`${added.fingerprint} may log in to ${jobLabel(job)} ${when}`);
}
