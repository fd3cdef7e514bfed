import type { Context } from '../context.js';
import { usage, type ExitCode } from '../failure.js';
import { jobMeant } from '../job-words.js';
import { logIn } from '../ssh/log-in.js';
import type { Args } from '../tree/command.js';

interface Flags {
  forward?: string[];
  identity?: string;
  print?: boolean;
}

export async function run(context: Context, [word, command]: Args, flags: Flags): Promise<ExitCode> {
  const forwards = (flags.forward ?? []).map(forwardOf);
  const { job, active } = await jobMeant(await context.client(), word as string);
  return await logIn(context, job, active, {
    command: (command as string[] | undefined) ?? [],
    forwards,
    identity: flags.identity,
    isPrinted: flags.print === true,
  });
}

/** `8888` is the same port on both sides; `8888:9999` is port 9999 of the job, here on 8888. */
function forwardOf(text: string): string {
  const [, here, there = here] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isPort = (port: string | undefined) => port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
  if (!isPort(here) || !isPort(there)) throw usage(`-L ${text}: give a port such as 8888, or 8888:9999`);
  return `127.0.0.1:${here}:127.0.0.1:${there}`;
}
