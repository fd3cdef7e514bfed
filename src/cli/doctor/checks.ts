import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.js';
import { durationText, momentText } from '../../words/durations.js';
import { told } from '../error-words.js';
import { exitCodes, type ExitCode } from '../failure.js';
import { readPrivate } from '../files/private-file.js';
import { usualKeyFiles } from '../public-keys.js';
import { complaint, includeState } from '../ssh/include.js';
import { shellWord } from '../ssh/shell-word.js';
import { clean } from '../../words/clean.js';

export interface Finding {
  name: string;
  state: 'good' | 'note' | 'bad';
  text: string;
  /** What to type. */
  mend?: string | undefined;
  exitCode: ExitCode;
}

type Check = (context: Context) => Promise<Omit<Finding, 'name' | 'exitCode'> & { exitCode?: ExitCode }>;

/** Further apart, requests that are signed would be refused. */
const clockOffS = 60;

const checks: readonly (readonly [string, Check])[] = [
  ['files', files],
  ['broker', broker],
  ['clock', clock],
  ['login', login],
  ['key', key],
  ['ssh', ssh],
  ['ssh wl-', include],
];

/** Each check, in the order in which one would mend; a failure of one is no failure of the next. */
export async function runChecks(context: Context): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of checks) {
    try {
      findings.push({ name, exitCode: exitCodes.usage, ...(await check(context)) });
    } catch (error) {
      const { line, remedy, exitCode } = told(error, { api: apiOrNothing(context) });
      findings.push({ name, state: 'bad', text: line, mend: remedy, exitCode });
    }
  }
  return findings;
}

function apiOrNothing(context: Context): string | undefined {
  try {
    return context.api();
  } catch {
    return undefined;
  }
}

async function files(context: Context): ReturnType<Check> {
  for (const name of ['config.json', 'credentials.json', 'job-keys.json']) readPrivate(join(context.folder, name));
  return { state: 'good', text: `${context.folder}, yours alone` };
}

async function broker(context: Context): ReturnType<Check> {
  const api = context.api();
  const client = await context.client();
  const site = await context.site();
  const name = `${clean(site.name ?? 'a broker')} ${clean(site.version ?? '')} at ${api}`;
  if (site.audience === undefined || site.audience === client.audience) return { state: 'good', text: name };
  const text = `${name}, which calls itself ${clean(site.audience)}`;
  return {
    state: 'note',
    text,
    mend: `wl config set api ${shellWord(clean(site.audience))}   (logins are for that name)`,
  };
}

async function clock(context: Context): ReturnType<Check> {
  const client = await context.client();
  const { headers } = await client.request('GET', '/api/v1/site', {});
  const theirs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return { state: 'note', text: 'the broker does not say what time it is' };
  const offS = (Date.now() - theirs) / 1000;
  if (Math.abs(offS) <= clockOffS) return { state: 'good', text: 'as the broker has it' };
  const text = `this clock is ${durationText(Math.abs(offS))} ${offS > 0 ? 'ahead of' : 'behind'} the broker's`;
  return { state: 'bad', text, mend: 'set it: timedatectl set-ntp true' };
}

async function login(context: Context): ReturnType<Check> {
  const client = await context.client();
  const hasToken = (context.env['WORLDLAND_TOKEN'] ?? '') !== '';
  if (!hasToken && (await client.restore()) === undefined) {
    return { state: 'note', text: 'nobody is logged in', mend: 'wl login', exitCode: exitCodes.notLoggedIn };
  }
  const [me, money] = [await client.whoami(), await context.money()];
  const text = `${me.wallet}, ends ${momentText(me.expires_at, context.time())}, ${money.sum(me.spend_remaining)} left`;
  if (me.spend_remaining !== '0') return { state: 'good', text };
  return { state: 'note', text, mend: 'to rent: wl login --spend-limit N' };
}

async function key(context: Context): ReturnType<Check> {
  const setting = context.settings.key;
  const files = setting === undefined ? usualKeyFiles() : [setting];
  if (files.length > 0) return { state: 'good', text: files[0]! };
  return { state: 'bad', text: 'no public SSH key', mend: 'make one: ssh-keygen -t ed25519' };
}

async function ssh(): ReturnType<Check> {
  const { error, stderr } = spawnSync('ssh', ['-V'], { encoding: 'utf8' });
  if (error !== undefined) return { state: 'bad', text: 'ssh is not installed', mend: 'install OpenSSH 8.0 or newer' };
  const [, version] = /OpenSSH_(?:for_Windows_)?(\d+\.\d+)/.exec(stderr) ?? [];
  if (version === undefined) return { state: 'note', text: `this is no OpenSSH: ${clean(stderr.trim())}` };
  if (Number(version) >= 8) return { state: 'good', text: `OpenSSH ${version}` };
  return { state: 'bad', text: `OpenSSH ${version} is too old`, mend: 'install 8.0 or newer' };
}

async function include(context: Context): ReturnType<Check> {
  const { path, isThere } = includeState(context.ssh);
  if (!isThere) return { state: 'note', text: '"ssh wl-NAME" is not set up', mend: 'wl ssh-config' };
  const broken = existsSync(path) ? complaint(path) : undefined;
  if (broken !== undefined)
    return { state: 'bad', text: `ssh does not accept ${path}: ${clean(broken)}`, mend: 'mend that line' };
  return { state: 'good', text: `${path} includes the jobs that run` };
}
