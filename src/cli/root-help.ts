import { wrap } from './terminal/width.js';

/** A heading, or what stands under it: what to type, and what it does. */
type Line = string | readonly [string, string];

const lines: readonly Line[] = [
  'Rent',
  ['offers [GPU]', 'what is free now, and what it costs'],
  ['templates', 'what can be rented by a name: Jupyter, vLLM …'],
  ['quote GPU', 'what an order would cost, and who would take it'],
  ['up GPU', 'rent, wait for SSH, say how to log in'],
  ['ls', 'your jobs'],
  ['show JOB', 'one job: state, cost, events'],
  ['logs JOB', 'what it has written'],
  ['top JOB', 'what it uses of processor, memory and GPUs'],
  ['ports JOB', 'where its ports are; through SSH, encrypted'],
  ['ssh JOB [-- CMD]', 'log in; the machine is verified'],
  ['cp FROM TO', 'copy files (JOB:path)'],
  ['wait JOB', 'until it runs, or has ended'],
  ['extend JOB', 'rent for longer'],
  ['down JOB…', 'end jobs'],
  'Money and access',
  ['login, logout, whoami', 'a wallet lets this computer rent, up to a limit'],
  ['cost, cap', 'what was spent; what may be spent in a month'],
  ['statement, receipts', 'a month in figures; what the broker signed about each job'],
  ['balance, deposit', 'on a site with a chain: what is there; tokens into its vault'],
  ['withdraw, exit', 'free tokens out of it; everything, without the broker'],
  ['settlements', 'what goes to the vault, checked'],
  ['keys, tokens, sessions', 'SSH keys; bearer tokens; who is logged in'],
  'Rent out',
  ['provider …', 'your machines: wl provider --help'],
  ['earnings withdraw', 'what they earned, out of the vault'],
  'Operate',
  ['admin …', 'the broker: wl admin --help'],
  'Set up',
  ['ssh-config', 'make "ssh wl-NAME" work'],
  ['config, completion', 'defaults; the Tab key'],
  ['doctor, open', 'what is wrong; the pages of the broker'],
  'Options of every command',
  ['--api URL', 'the broker (WORLDLAND_API; else "wl config set api")'],
  ['--json', "one JSON document, in the API's own names"],
  ['-q, --quiet', 'ids only; no progress'],
  ['--utc', 'times absolute, in UTC'],
  ['--no-color, -v, --verbose', 'no colour; more about errors'],
  ['-h, --help, -V, --version', 'explain a command; the version'],
];

const leftWidth = 27;

/** What `wl --help` prints, in lines of at most so many columns. */
export function rootHelp({ version, width, docs }: { version: string; width: number; docs: string }): string {
  const text = lines.flatMap((line) => {
    if (typeof line === 'string') return ['', line];
    const [left, right] = line;
    const indent = ' '.repeat(width < 70 ? 6 : leftWidth + 2);
    if (width < 70) return [`  ${left}`, ...wrap(`${indent}${right}`, width, indent)];
    return wrap(`  ${left.padEnd(leftWidth)}${right}`, width, indent);
  });
  const closing =
    '2x4090, h100:8, 4090@0.5 (at most) or "RTX 4090" name GPUs. JOB is a name, an id, or the last four letters of one.';
  return [
    ...wrap(`wl ${version}: rent GPUs, rent out GPUs, run the broker`, width),
    'Usage: wl COMMAND [options]',
    ...text,
    '',
    ...wrap(closing, width),
    ...wrap(`Docs: ${docs}   Exit codes: wl help exit-codes`, width),
    '',
  ].join('\n');
}

/** Where the pages are; without a broker that is known by the environment, how to find them. */
export function docsOf(env: Record<string, string | undefined>): string {
  const api = env['WORLDLAND_API'] ?? env['BROKER_API'] ?? '';
  return api === '' ? 'wl open --print' : `${api.replace(/\/+$/, '')}/docs/`;
}
