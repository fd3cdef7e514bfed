/**
 * Measures the broker against its targets: `npm run bench -- [heartbeats registrations storm jobs reads streams
 * console fleet settlement scale login] [--beside URL] [--before DIR] [--nodes 1000] [--fleet-jobs 5000] [--logins 15]
 * [--write FILE]`. Without names it runs all of them but `login`, which needs root for a machine of its own, in twenty
 * minutes. Client, broker and all engines share this machine, so let nothing else run on it.
 *
 * --beside URL   the provider list of another server, to read in turns with ours
 * --before DIR   a checkout of an earlier version, built, whose jobs (or statements, for `scale`; the storm,
 *                for `storm`) are measured in turns with ours
 * --write FILE   also writes the table to a file, and keeps the file's sections
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { argumentsOf, endWith } from '../../engines/cli/arguments.js';
import { measureConsole } from './console.js';
import { measureFleet } from './fleet.js';
import { measureHeartbeats } from './heartbeats.js';
import { measureJobs } from './jobs.js';
import { measureLogin } from './login.js';
import { table, type Measure, type Measurement } from './measurement.js';
import { measureReads } from './reads.js';
import { measureRegistrations } from './registrations.js';
import { measureScale } from './scale.js';
import { measureSettlement } from './settlement.js';
import { measureStorm } from './storm.js';
import { measureStreams } from './streams.js';
import { usage } from './usage.js';

const { values, positionals } = argumentsOf(usage, {
  allowPositionals: true,
  options: {
    beside: { type: 'string' },
    before: { type: 'string' },
    nodes: { type: 'string', default: '1000' },
    'fleet-jobs': { type: 'string', default: '5000' },
    logins: { type: 'string', default: '15' },
    write: { type: 'string' },
  },
});
const all: Record<string, Measure> = {
  heartbeats: measureHeartbeats,
  registrations: measureRegistrations,
  storm: (log) => measureStorm(log, values.before),
  jobs: (log) => measureJobs(log, values.before),
  streams: measureStreams,
  reads: (log) => measureReads(log, values.beside),
  console: measureConsole,
  fleet: (log) => measureFleet(log, { nodes: Number(values.nodes), jobs: Number(values['fleet-jobs']) }),
  settlement: measureSettlement,
  login: (log) => measureLogin(log, Number(values.logins)),
  scale: (log) => measureScale(log, values.before),
};
const names = positionals.length === 0 ? Object.keys(all).filter((name) => name !== 'login') : positionals;
const unknown = names.filter((name) => !(name in all));
if (unknown.length > 0) {
  endWith(usage, `there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(all).join(', ')}`);
}

const log = (line: string) => console.error(line);
const measurements: Measurement[] = [];
const loads: string[] = [];
for (const name of names) {
  log(`measuring ${name}`);
  // Readers of the figures should know what else was running.
  loads.push(`${name} ${loadavg()[0]!.toFixed(1)}`);
  measurements.push(...(await all[name]!(log)));
}
const conditions = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, Node ${process.versions.node}; load of the machine when each began: ${loads.join(', ')}`;
console.log(`\n${table(measurements)}\n\n${conditions}`);
if (values.write !== undefined) {
  const text = [
    '# What was measured',
    '',
    `With \`npm run bench\`, on ${conditions}. Client, broker and all engines shared the machine.`,
    '',
    table(measurements),
    sectionsOf(values.write),
  ];
  writeFileSync(values.write, text.join('\n'));
}
// Handles that the SDKs leave open must not keep the process alive.
process.exit(0);

/** People's notes on the figures: everything from the first section of the file on. */
function sectionsOf(file: string): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const at = text.indexOf('\n## ');
  return at < 0 ? '' : text.slice(at);
}
