import type { WorldLand as Client } from '../../client/index.js';
import type { Job, Order, Quote } from '../../client/shapes.js';
import { agreeOnPrice, orderAtPrice } from '../agree-on-price.js';
import type { Context } from '../context.js';
import { durationText } from '../../words/durations.js';
import { isClientError } from '../error-words.js';
import { exitCodes, Failure, type ExitCode } from '../failure.js';
import { onInterrupt, type OnInterrupt } from '../interrupt.js';
import { endpointLines, forwardable } from '../endpoint-words.js';
import { endSentence } from '../job-table.js';
import { activeJobs } from '../job-words.js';
import { jobLabel } from '../../words/job-label.js';
import { warnOfLimits } from '../limit-warning.js';
import { noCapacity, orderFrom, type OrderFlags, type Wanted } from '../order.js';
import { orderKeys } from '../public-keys.js';
import { registryLogin, type RegistryFlags } from '../registry-login.js';
import { warnOfSessionEnd } from '../session-end.js';
import { keepJobKey } from '../ssh/job-keys.js';
import { offerSshConfig } from '../ssh/offer.js';
import { hostAliases } from '../../words/ssh-target.js';
import { isIncluded, refreshSsh } from '../ssh/refresh.js';
import { logIn } from '../ssh/log-in.js';
import type { Args } from '../tree/command.js';
import { twoWords } from '../../words/two-words.js';
import { createSteps } from '../up-steps.js';
import { printQuote } from './quote.js';

interface Flags extends OrderFlags, RegistryFlags {
  timeout?: number;
  ssh?: boolean;
  detach?: boolean;
  onInterrupt: OnInterrupt;
  idempotencyKey?: string;
  yes?: boolean;
  dryRun?: boolean;
}

export async function run(context: Context, [words]: Args, flags: Flags): Promise<ExitCode | void> {
  const wanted = await orderFrom(context, words as string, flags);
  const client = await context.client();
  if (flags.dryRun === true) return await printQuote(context, wanted, await client.quote(wanted.order));
  await requireLogin(context, client);
  const keys = await orderKeys(client, flags.key ?? [], context.settings.key);
  const { identity, ...publicKeys } = keys;
  const login = await registryLogin(context, flags);
  // With a key of its own a repeat must be the same order, so its name must not be made anew.
  const name = flags.name ?? (flags.idempotencyKey === undefined ? twoWords() : undefined);
  const order: Order = { ...wanted.order, ...publicKeys, ...login, ...(name === undefined ? {} : { job_name: name }) };
  const quote = await client.quote(wanted.order);
  await agreeOnPrice(context, { ...wanted, order }, quote, { isYes: flags.yes === true });
  const job = await start(context, { ...wanted, order }, quote, flags);
  if (job === undefined) return exitCodes.interrupted;
  await warnOfLimits(context, client);
  const active = await activeJobs(client);
  if (identity !== undefined)
    keepJobKey(
      context.folder,
      job.job_id,
      identity,
      active.map(({ job_id }) => job_id),
    );
  if (flags.detach === true) return sayStarted(context, job);
  if (context.global.json !== true && context.global.quiet !== true) await offerSshConfig(context, job);
  await refreshSsh(context, active);
  await sayRunning(context, job, active);
  if (flags.ssh === true) return await logIn(context, job, active, { command: [] });
}

async function requireLogin(context: Context, client: Client): Promise<void> {
  if ((context.env['WORLDLAND_TOKEN'] ?? '') !== '' || (await client.restore()) !== undefined) return;
  throw new Failure(exitCodes.notLoggedIn, 'renting needs a login', 'wl login');
}

/** Orders, and follows the job until SSH answers; undefined if Ctrl-C ended that. */
async function start(context: Context, wanted: Wanted, quote: Quote, flags: Flags): Promise<Job | undefined> {
  const client = await context.client();
  const money = await context.money();
  const key = flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey };
  const steps = createSteps(context.screen, money);
  const leaving = onInterrupt(context, flags.onInterrupt, steps);
  try {
    const send = (order: Order) => client.jobs.create(order, { wait: 0, ...key });
    const { job } = await orderAtPrice(context, wanted, quote, { isYes: flags.yes === true, steps, send });
    leaving.know(job);
    if (flags.detach === true) return job;
    const options = { signal: leaving.signal, onEvent: (event: Parameters<typeof steps.tell>[0]) => steps.tell(event) };
    const running = await client.jobs.waitUntil(job.job_id, 'running', {
      ...options,
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
    });
    await leaving.settled();
    return running;
  } catch (error) {
    steps.stop();
    if (await leaving.left()) return undefined;
    throw await explained(error, wanted, flags);
  } finally {
    steps.stop();
    leaving.stop();
  }
}

async function explained(error: unknown, wanted: Wanted, flags: Flags): Promise<unknown> {
  if (!isClientError(error)) return error;
  if (error.code === 'no_capacity') return noCapacity(wanted.gpus, wanted.market, error.detail.replace(/\.$/, ''));
  const jobId = error.data['job_id'];
  if (error.code === 'timeout' && typeof jobId === 'string' && flags.timeout !== undefined) {
    const name = wanted.order.job_name ?? jobId.slice(-4);
    const line = `${name} does not run after ${durationText(flags.timeout)}; it is kept`;
    return new Failure(exitCodes.timeout, line, `wl wait ${name}   or: wl down ${name}`);
  }
  return error;
}

function sayStarted(context: Context, job: Job): void {
  const { screen, global } = context;
  if (global.json === true) return screen.json(job);
  if (global.quiet === true) return screen.print(job.job_id);
  const name = jobLabel(job);
  screen.paragraph(`${name} is ordered: wl wait ${name}`);
}

async function sayRunning(context: Context, job: Job, active: readonly Job[]): Promise<void> {
  const { screen, global } = context;
  if (global.json === true) return screen.json(job);
  if (global.quiet === true) return screen.print(job.job_id);
  const name = jobLabel(job);
  const alias = hostAliases([...active.filter(({ job_id }) => job_id !== job.job_id), job]).get(job.job_id)![0]!;
  const login = isIncluded(context)
    ? `ssh ${alias}   (wl ssh ${name}; VS Code: Remote-SSH to ${alias})`
    : `wl ssh ${name}   (wl ssh-config makes "ssh ${alias}" work)`;
  screen.paragraph(`  ${login}`, '  ');
  for (const line of endpointLines(job)) screen.print(line);
  if (forwardable(job).length > 0) screen.paragraph(`  encrypted: wl ports ${name}`, '  ');
  const ends = endSentence(job, context.time());
  if (ends !== undefined) screen.paragraph(`  ends ${ends}; longer: wl extend ${name} --hours 2`, '  ');
  await warnOfSessionEnd(context, [job]);
}
