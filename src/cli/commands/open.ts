import type { Context } from '../context.js';
import { jobMeant } from '../job-words.js';
import type { Args } from '../tree/command.js';
import { canOpenBrowser, openBrowser } from '../wallets/open-browser.js';

export async function run(context: Context, [word]: Args, flags: { print?: boolean }): Promise<void> {
  const api = context.api();
  const job = word === undefined ? undefined : (await jobMeant(await context.client(), word as string)).job;
  // The pages for customers come with the console; until then there are the docs.
  const hasConsole = job !== undefined && (await context.site()).features?.includes('console');
  const url = hasConsole ? `${api}/console/jobs/${job.job_id}` : `${api}/docs/`;
  const isOpen = flags.print !== true && canOpenBrowser(context.env) && (await openBrowser(url, context.env));
  if (!isOpen) context.screen.print(url);
}
