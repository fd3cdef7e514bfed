import type { Context } from '../context.js';
import { addressOf, forwardedPage, forwardLine, openedBy, tokenLine, type Endpoint } from '../endpoint-words.js';
import { exitCodes, Failure } from '../failure.js';
import { jobMeant } from '../job-words.js';
import { clean } from '../../words/clean.js';
import { jobLabel } from '../../words/job-label.js';
import type { Args } from '../tree/command.js';

/** Where the ports of a job are reached, and how to reach them encrypted. */
export async function run(context: Context, [word]: Args): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const { job } = await jobMeant(client, word as string);
  const name = jobLabel(job);
  if (job.status !== 'running') {
    throw new Failure(
      exitCodes.notRunning,
      `${name} does not run: its ports are open while it does`,
      `wl show ${name}`,
    );
  }
  const { endpoints = [] } = job;
  const line = forwardLine(job);
  if (global.json === true) {
    const { template_page: page, template_token: token } = job;
    return screen.json({ endpoints, template_page: page, template_token: token, ssh: line });
  }
  if (global.quiet === true) return endpoints.forEach((endpoint) => screen.print(openedBy(endpoint)));
  if (endpoints.length === 0) screen.note(`${name} opens no ports: order it with wl up --port 8888`);
  else {
    screen.table<Endpoint>(
      [
        { title: 'NAME', of: (each) => clean(each.name) },
        { title: 'PORT', of: (each) => `${each.port}` },
        { title: 'PROTOCOL', of: (each) => each.protocol },
        { title: 'AT', of: addressOf },
        { title: 'URL', of: (each) => (each.url === undefined ? '' : clean(each.url)), isText: true },
      ],
      endpoints,
    );
  }
  const token = tokenLine(job);
  if (token !== undefined) screen.print(token);
  if (line === undefined) return;
  if (endpoints.some(({ protocol }) => protocol === 'http'))
    screen.note('http is not encrypted: whoever is on the way reads it, tokens and passwords, too. Through SSH:');
  screen.print(line);
  const page = forwardedPage(job);
  if (page !== undefined) screen.print(page);
}
