/**
 * `npm run test:fuzz`: schemathesis generates valid and invalid requests from the API's own description, for a broker on
 * real engines. It fails on any status of 500 and above, on a status, type or body that the description does not name, on
 * an accepted request that should have been refused, if an operation never succeeded, and if money differs afterwards.
 *
 *   FUZZ_EXAMPLES=50   cases per operation and phase
 *   FUZZ_SEED=1        another seed is another run
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { createOversight } from '../../src/temporal/oversight.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import { anyMachine } from '../support/asked-machine.js';
import { newWallet, startApi } from '../support/api.js';
import { putBilledJob } from '../support/billed-jobs.js';
import { recordOwner } from '../support/fleet.js';
import { createFleetWorld } from '../support/fleet-world.js';
import { putReceipt } from '../support/receipts.js';
import { beginRun } from '../support/run.js';
import { runFolder } from '../support/run-folder.js';
import { bindNodeKey, httpsProvider } from '../support/https-providers.js';
import { beginLogin, finishLogin } from '../support/login.js';
import { booksFaults } from './books.js';
import { operationsOf, type Operation } from './description.js';
import { signedBy } from './good-requests.js';
import { createAnswers, tableOf, unreached, type Answers } from './reached.js';
import { startSigningProxy } from './signing-proxy.js';
import { findPython, installSchemathesis, needsPython, runSchemathesis } from './schemathesis.js';
import { ed25519Key } from '../support/ssh-key.js';
import { namespaceOf } from '../support/tenants.js';
import { scopes as everyScope } from '../../src/wire/scopes.js';

const { FUZZ_EXAMPLES = '50', FUZZ_SEED = '1' } = process.env;
/** These would also try ids from other responses, including the session of the run, so they come last. */
const revocations = ['delete-auth-sessions-by-id', 'delete-auth-tokens-by-id', 'delete-ssh-keys-by-id'];
/**
 * The API may refuse a well-formed request (a cursor of another list, a wallet that does not exist); and a part of a
 * signature is a malformed request (400), not a wrong credential (401). The tests of authorization check who may do what.
 * A job that has ended can still be read, and so can a provider that has left.
 */
const notChecked = ['positive_data_acceptance', 'ignored_auth', 'use_after_free'];
/** Operations that end the job and the provider that the others need. */
const endings = ['delete-jobs-by-id', 'post-providers-by-id-retire'];
/** A low cap refuses every later order, and a token cannot raise it: first it is taken away, of which there is none yet. */
const capping = ['delete-billing-monthly-cap', 'put-billing-monthly-cap'];
/** It gives back a part of a job that has ended, which the others cannot use. */
const refunding = 'post-admin-jobs-by-id-refunds';
/** Operations of operators that end what the others need, and the block that they end. */
const lastOfOperators = ['delete-admin-jobs-by-id', 'delete-admin-blocks-by-kind-by-value'];
/** It revokes the session that signs. */
const lastOfAll = 'delete-auth-sessions';
/** Operations that cannot succeed here, each with the reason. In the chains of `test/store` they do. */
const excused: Readonly<Record<string, string>> = {
  'post-auth-sessions': 'its body is signed by a wallet, over what the broker has proposed',
  'post-auth-revoke': 'its body is signed by a wallet',
  'post-providers-by-id-claim': 'its body is signed by a wallet',
  'put-providers-by-id-delegation': 'its body is signed by a wallet',
  'post-admin-payouts': 'its body names a wallet that has earned something, which chance never finds',
  'post-providers-messages': 'its body holds a message as text, which a generator of texts does not write',
};
const withIds = ['--include-path-regex', '\\{(id|digest)\\}|/market/history', '--include-operation-id', 'post-jobs'];
const only = (operations: string[]) => operations.flatMap((id) => ['--include-operation-id', id]);
const without = (operations: string[]) => operations.flatMap((id) => ['--exclude-operation-id', id]);
const someKey = ed25519Key(Buffer.alloc(32, 7));
const log = (line: string) => console.error(line);

const python = await findPython();
if (python === undefined) {
  console.log(`skipped: ${needsPython}`);
} else {
  const program = await installSchemathesis(python, log);
  // All engines, and not the whole broker of the console: it would act on what is fuzzed.
  const endRun = await beginRun((file) => !file.includes('/test/console/'));
  try {
    process.exitCode = await fuzz(program);
  } finally {
    await endRun();
  }
}

async function fuzz(program: string): Promise<number> {
  const world = await createFleetWorld({ JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 10 });
  const { registrationReceived, miningChanged } = createProviderSignals(world.temporal.client, world.config);
  const operator = newWallet();
  const api = await startApi({
    database: world.database,
    redis: world.redis,
    // Wait for jobs, but not for long: the time that a pod takes does not matter here.
    env: {
      ADMIN_WALLETS: operator.address,
      AUTH_MAX_TOKENS: '1000',
      PROVIDER_AUTH_MODE: 'permissive',
      JOB_WAIT_DEFAULT_S: '1',
      MAX_JOBS_PER_WALLET: '100000',
      MINING_IMAGE_ALLOWLIST: 'docker.io/*',
    },
    config: world.temporal.config,
    askUse: anyMachine,
    commands: {
      jobs: world.commands,
      providers: world.providers,
      announceRegistration: registrationReceived,
      announceMining: miningChanged,
      oversight: createOversight(world.temporal.client, world.temporal.client),
    },
  });
  const scopes = ['jobs:read', 'jobs:write', 'providers:read', 'providers:write'] as const;
  const customer = newWallet();
  const session = await api.login({ account: customer, scopes, spendLimit: 10n ** 40n });
  /** A provider in service that belongs to the calling wallet. The calls may also take it out of service. */
  const ownProvider = async () => {
    const providerId = await world.joined({ gpus: { model: 'NVIDIA GeForce RTX 4090', count: 64 } });
    await recordOwner(world.database.pool, providerId, session.wallet);
    return providerId;
  };
  /** A job that cost so much that a refund of chance is hardly ever above it. */
  const paidJob = async () => {
    const [startedAt, endedAt] = [new Date(Date.now() - 7_200_000), new Date(Date.now() - 3_600_000)];
    const { wallet, sessionId } = session;
    const of = { wallet, sessionId, providerId: 'atlas', startedAt, endedAt, rate: 10n ** 38n };
    return (await putBilledJob(world.database.pool, of)).jobId;
  };
  const operations = operationsOf((await api.send('GET', '/openapi.json')).json);
  const names = operations.map(({ id }) => id);
  /** They accept no token: a proxy signs their requests. */
  const onlySigned = operations
    .filter(({ isOpen, takesTokens }) => !isOpen && !takesTokens)
    .map(({ id }) => id)
    .filter((id) => excused[id] === undefined && ![lastOfAll, refunding, ...lastOfOperators].includes(id));
  const operators = await beginLogin(api, { wallet: operator, body: { scopes: everyScope } });
  await finishLogin(api, operators);
  const signing = await startSigningProxy(api.url, signedBy(operators.key));
  const machine = httpsProvider();
  await bindNodeKey(world.database.pool, machine);
  const machines = await startSigningProxy(api.url, (_, target) => machine.signTarget(target));
  let before = 0;
  const answers = () => answersOf(api.logged.slice(before), operations);
  try {
    await ownProvider();
    const token = await session.token();
    const spare = await session.request('POST', '/api/v1/auth/tokens', {});
    const { key_id } = (await api.send('POST', '/api/v1/ssh-keys', { bearer: token, body: { public_key: someKey } }))
      .json;
    const ended = {
      '/api/v1/auth/sessions/': { id: (await api.login({ account: customer })).sessionId },
      '/api/v1/auth/tokens/': { id: (spare.body as { token_id: string }).token_id },
      '/api/v1/ssh-keys/': { id: String(key_id) },
    };
    // What the run itself asked for says nothing about what it generates.
    before = api.logged.length;
    const bearer = ['--url', api.url, '--header', `Authorization: Bearer ${token}`];
    const run = (options: string[], ids: PathValues = {}, caller = bearer) =>
      runSchemathesis(program, [
        ...['--config-file', configFile(ids)],
        'run',
        `${api.url}/openapi.json`,
        ...caller,
        ...['--seed', FUZZ_SEED, '--max-examples', FUZZ_EXAMPLES, '--request-timeout', '30'],
        // The API would always refuse generated ones next to the token.
        ...['--generation-with-security-parameters', 'false'],
        ...['--checks', 'all', '--exclude-checks', notChecked.join()],
        ...options,
      ]);
    log('with ids that name nothing');
    let code = await run(without([...revocations, ...capping]));
    if (code !== 0) return code;
    log('with a job that runs and a provider of its own');
    const providerId = await ownProvider();
    const { jobId } = await world.running({ wallet: session.wallet, providerId });
    const { wallet } = session;
    const known = {
      '/api/v1/(me/earnings/)?receipts/': {
        digest: await putReceipt(world.database.pool, { wallet, jobId, payee: wallet, providerId }),
      },
      '/api/v1/(admin/)?jobs/': { id: jobId },
      '/api/v1/(admin/)?providers/': { id: providerId },
      '/api/v1/market/history': { gpu: 'RTX 4090' },
      '/api/v1/admin/blocks/': { kind: 'image', value: 'miner' },
    };
    code = await run([...withIds, ...without([...revocations, ...endings])], known);
    const { status, json } = await api.send('GET', '/api/v1/auth/me', { bearer: token });
    if (status !== 200)
      throw new Error(`the session was lost on the way (${json.code}): what came after proves nothing`);
    if (code !== 0) return code;
    log('with a key that signs');
    code = await run(only(onlySigned), known, ['--url', signing.url]);
    if (code !== 0) return code;
    const asked = { '/api/v1/providers/': { id: machine.providerId } };
    code = await run(only(['get-providers-by-id-responses']), asked, ['--url', machines.url]);
    if (code !== 0) return code;
    code = await run(only([refunding]), { '/api/v1/admin/jobs/': { id: await paidJob() } }, ['--url', signing.url]);
    if (code !== 0) return code;
    log('and what ends them');
    code = await run(only(endings), known);
    if (code !== 0) return code;
    const { jobId: last } = await world.running({ wallet: session.wallet, providerId: await ownProvider() });
    const lastOnes = { ...known, '/api/v1/(admin/)?jobs/': { id: last } };
    code = await run(only(lastOfOperators), lastOnes, ['--url', signing.url]);
    if (code !== 0) return code;
    for (const each of capping) {
      code = await run(only([each]));
      if (code !== 0) return code;
    }
    code = await run(only([...revocations, 'get-auth-sessions']), ended);
    if (code !== 0) return code;
    // Revoke the session that signs last.
    code = await run(only([lastOfAll]), {}, ['--url', signing.url]);
    if (code !== 0) return code;
    const missed = [...unreached(names, answers(), excused), ...(await booksFaults(world.database.pool))];
    for (const line of missed) log(line);
    return missed.length === 0 ? 0 : 1;
  } finally {
    const failures = api.logged.filter((line) => line.includes('"level":"error"') || line.includes('"level":50'));
    for (const line of failures.slice(0, 20)) log(line);
    for (const line of tableOf(names, answers())) log(line);
    await Promise.all([signing.stop(), machines.stop()]);
    await api.stop();
    await unlessNotFound(world.kubernetes.core.deleteNamespace({ name: namespaceOf(session.wallet) }));
    await world.close();
  }
}

/** Values of path parameters, by how the path begins. */
type PathValues = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The configuration of one run. `ids` are values for path parameters, which chance would never find. */
function configFile(ids: PathValues): string {
  const file = join(runFolder(), 'schemathesis.toml');
  const lines = [
    // A body that violates only a length may be too long to be parsed.
    '[checks.negative_data_rejection]',
    'expected-statuses = [400, 401, 403, 404, 409, 413, 415, 422]',
    ...Object.entries(ids).flatMap(([path, values]) => [
      '[[operations]]',
      `include-path-regex = '^${path}'`,
      `parameters = { ${Object.entries(values)
        .map(([name, value]) => `${name} = "${value}"`)
        .join(', ')} }`,
    ]),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** How often each operation answered with which status, from the log. */
function answersOf(logged: readonly string[], operations: readonly Operation[]): Answers {
  const { answers, count } = createAnswers();
  const ids = new Map(operations.map(({ id, method, path }) => [`${method} ${path}`, id]));
  for (const line of logged) {
    const { msg, method, route, status } = JSON.parse(line) as Record<string, string | number>;
    const id = ids.get(`${method} ${String(route).replace(/:([a-z_]+)/g, '{$1}')}`);
    if (msg === 'request' && id !== undefined) count(id, Number(status));
  }
  return answers;
}
