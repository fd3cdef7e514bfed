/**
 * `npm run test:fuzz`: a broker on real engines is sent what schemathesis makes of its own description, valid and not.
 * It fails on any status of 500 and above, on a status, type or body that the description does not name, and on a
 * request that should have been refused.
 *
 *   FUZZ_EXAMPLES=50   cases per operation and phase
 *   FUZZ_SEED=1        another seed is another run
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import { startApi } from '../support/api.js';
import { recordOwner } from '../support/fleet.js';
import { createFleetWorld } from '../support/fleet-world.js';
import { beginRun } from '../support/run.js';
import { runFolder } from '../support/run-folder.js';
import { findPython, installSchemathesis, needsPython, runSchemathesis } from './schemathesis.js';
import { namespaceOf } from '../support/tenants.js';

const { FUZZ_EXAMPLES = '50', FUZZ_SEED = '1' } = process.env;
/** They take the ids that other answers name, and the session of the run would be among them: these come last. */
const revocations = ['delete-auth-sessions-by-id', 'delete-auth-tokens-by-id'];
/**
 * That a request of the right form may be refused all the same (a cursor of another list, a wallet that does not exist)
 * is no fault; and a quarter of a signature is a request that cannot be read (400), not a wrong credential (401). Who is
 * let in where, the tests of authorization try. A job that was ended can still be read, as can a provider that has left.
 */
const notChecked = ['positive_data_acceptance', 'ignored_auth', 'use_after_free'];
/** What ends the job and the provider that the others are tried with. */
const endings = ['delete-jobs-by-id', 'post-providers-by-id-retire'];
const withIds = ['--include-path-regex', '\\{id\\}', '--include-operation-id', 'post-jobs'];
const only = (operations: string[]) => operations.flatMap((id) => ['--include-operation-id', id]);
const without = (operations: string[]) => operations.flatMap((id) => ['--exclude-operation-id', id]);
const log = (line: string) => console.error(line);

const python = await findPython();
if (python === undefined) {
  console.log(`skipped: ${needsPython}`);
} else {
  const program = await installSchemathesis(python, log);
  const endRun = await beginRun(() => true);
  try {
    process.exitCode = await fuzz(program);
  } finally {
    await endRun();
  }
}

async function fuzz(program: string): Promise<number> {
  const world = await createFleetWorld({ JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 10 });
  const { registrationReceived, miningChanged } = createProviderSignals(world.temporal.client, world.config);
  const api = await startApi({
    database: world.database,
    redis: world.redis,
    // Jobs are waited for, but not for long: what is looked for is not how long a pod takes.
    env: { JOB_WAIT_DEFAULT_S: '1', MAX_JOBS_PER_WALLET: '100000', MINING_IMAGE_ALLOWLIST: 'docker.io/*' },
    config: world.temporal.config,
    commands: {
      jobs: world.commands,
      providers: world.providers,
      announceRegistration: registrationReceived,
      announceMining: miningChanged,
    },
  });
  const scopes = ['jobs:read', 'jobs:write', 'providers:read', 'providers:write'] as const;
  const session = await api.login({ scopes, spendLimit: 10n ** 40n });
  /** A provider in service of the wallet that asks. What finds it may also take it out of service. */
  const ownProvider = async () => {
    const providerId = await world.joined({ gpus: { model: 'NVIDIA GeForce RTX 4090', count: 64 } });
    await recordOwner(world.database.pool, providerId, session.wallet);
    return providerId;
  };
  try {
    await ownProvider();
    const token = await session.token();
    const run = (options: string[], ids: Record<string, string> = {}) =>
      runSchemathesis(program, [
        ...['--config-file', configFile(ids)],
        'run',
        `${api.url}/openapi.json`,
        ...['--url', api.url],
        ...['--header', `Authorization: Bearer ${token}`],
        ...['--seed', FUZZ_SEED, '--max-examples', FUZZ_EXAMPLES, '--request-timeout', '30'],
        // Made up ones beside the token would only ever be refused.
        ...['--generation-with-security-parameters', 'false'],
        ...['--checks', 'all', '--exclude-checks', notChecked.join()],
        ...options,
      ]);
    log('with ids that name nothing');
    let code = await run(without([...revocations]));
    if (code !== 0) return code;
    log('with a job that runs and a provider of its own');
    const providerId = await ownProvider();
    const { jobId } = await world.running({ wallet: session.wallet, providerId });
    const known = { '/api/v1/jobs/': jobId, '/api/v1/(admin/)?providers/': providerId };
    code = await run([...withIds, ...without([...revocations, ...endings])], known);
    const { status, json } = await api.send('GET', '/api/v1/auth/me', { bearer: token });
    if (status !== 200)
      throw new Error(`the session was lost on the way (${json.code}): what came after proves nothing`);
    if (code !== 0) return code;
    log('and what ends them');
    code = await run(only(endings), known);
    return code === 0 ? await run(only([...revocations, 'get-auth-sessions'])) : code;
  } finally {
    const failures = api.logged.filter((line) => line.includes('"level":"error"') || line.includes('"level":50'));
    for (const line of failures.slice(0, 20)) log(line);
    for (const line of answersOf(api.logged)) log(line);
    await api.stop();
    await unlessNotFound(world.kubernetes.core.deleteNamespace({ name: namespaceOf(session.wallet) }));
    await world.close();
  }
}

/** A configuration for one run. `ids` are those to fill in below a path, where chance would find none. */
function configFile(ids: Record<string, string>): string {
  const file = join(runFolder(), 'schemathesis.toml');
  const lines = [
    // A body that breaks a rule by its length alone may be too long to be looked at.
    '[checks.negative_data_rejection]',
    'expected-statuses = [400, 401, 403, 404, 409, 413, 415, 422]',
    ...Object.entries(ids).flatMap(([path, id]) => [
      '[[operations]]',
      `include-path-regex = '^${path}'`,
      `parameters = { id = "${id}" }`,
    ]),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** How often each route answered what: whether it was reached at all, and how deep. */
function answersOf(logged: readonly string[]): string[] {
  const answers = new Map<string, Map<number, number>>();
  for (const line of logged) {
    const { msg, method, route, status } = JSON.parse(line) as Record<string, string | number>;
    if (msg !== 'request') continue;
    const name = `${method} ${route}`;
    const counts = answers.get(name) ?? new Map<number, number>();
    counts.set(Number(status), (counts.get(Number(status)) ?? 0) + 1);
    answers.set(name, counts);
  }
  return [...answers].sort().map(([name, counts]) => {
    const listed = [...counts].sort(([a], [b]) => a - b).map(([status, count]) => `${status}×${count}`);
    return `${name}  ${listed.join(' ')}`;
  });
}
