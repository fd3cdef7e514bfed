import { join } from 'node:path';
import { afterAll, expect } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import { unbookedSql } from '../../src/db/unbooked.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';
import { describeRelease } from './describe-release.js';
import { documentedCommands } from '../support/documented-commands.js';
import { released } from './released-build.js';
import { startSite, type Charged, type Site, type ToldJob } from './site.js';

describeRelease(`version ${released.version} with running jobs, and this one`, () => {
  let site: Site;
  afterAll(() => site?.stop(), 120_000);

  let customer: Session;
  /** The jobs that a customer has at the moment, by what they are for, with their pods. */
  const jobs = new Map<string, { job: ToldJob; pod: string }>();
  /** The builds of the workflow code. */
  const build = { old: '', new: '' };
  let newApi = '';
  let oldApi = '';

  const rent = async (name: string) => {
    const job = await site.rent(customer);
    jobs.set(name, { job, pod: (await site.podOf(job.job_id))! });
  };
  const end = async (name: string): Promise<Charged> => {
    const charged = await site.end(customer, jobs.get(name)!.job);
    jobs.delete(name);
    // It has run for less than the first of its two hours, and what it did not use is free again.
    expect(charged).toMatchObject({ status: 'cancelled', isSettled: true });
    expect(charged.spent).toBeGreaterThan(0n);
    expect(charged.spent).toBeLessThan(charged.reserved / 2n);
    return charged;
  };
  const extend = async (name: string) => {
    const { job } = jobs.get(name)!;
    const before = await site.charged(job.job_id);
    const path = `/api/v1/jobs/${job.job_id}/extend`;
    const { status, body } = await customer.request('POST', path, { additional_hours: 1 });
    expect([status, body]).toEqual([200, expect.objectContaining({ status: 'running' })]);
    const extended = (body as ToldJob).expires_at;
    expect(Date.parse(extended) - Date.parse(job.expires_at)).toBe(3_600_000);
    job.expires_at = extended;
    expect((await site.charged(job.job_id)).reserved).toBeGreaterThan(before.reserved);
  };
  /** Nobody's job was touched: the pods that ran run, and no other ones. */
  const allRun = async () => {
    const found = [];
    for (const [name, { job }] of jobs) {
      const { body } = await customer.request('GET', `/api/v1/jobs/${job.job_id}`);
      found.push([name, (body as ToldJob).status, await site.podOf(job.job_id)]);
    }
    expect(found).toEqual([...jobs].map(([name, { pod }]) => [name, 'running', pod]));
  };
  const nothingDiffers = async () => {
    await allRun();
    expect((await site.reconcile()).failures).toEqual([]);
    expect(await site.money()).toEqual([]);
    await allRun();
  };
  const currentBuild = async () => {
    const { namespace } = site.temporal.options;
    const { workerDeploymentInfo } = await site.temporal.workflowService.describeWorkerDeployment({
      ...{ namespace, deploymentName: 'broker' },
    });
    return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? '';
  };
  /** The build whose code a job's workflow goes on in. */
  const buildOf = async (name: string) => {
    const handle = site.temporal.workflow.getHandle(jobWorkflowId(jobs.get(name)!.job.job_id));
    const { raw } = await handle.describe();
    const { versioningOverride, deploymentVersion } = raw.workflowExecutionInfo?.versioningInfo ?? {};
    return versioningOverride?.pinned?.version?.buildId ?? deploymentVersion?.buildId;
  };
  /** A process that refuses to start says why, each time. */
  const refuses = async (name: string, start: () => Promise<unknown>, words: string[]) => {
    await expect(start()).rejects.toThrow(`${name} does not start`);
    await site.stack.halt(name);
    for (const said of words) expect(site.logOf(name)).toContain(said);
  };
  /** The migration of a version to come, with which no version from before can live. */
  const next = '9999_next';
  const migrations = async () =>
    (await site.ask<{ name: string }>('select name from schema_migrations order by id')).map(({ name }) => name);
  const commands = (containing: string) =>
    site.shell(documentedCommands('workflow-changes.md', containing), { OLD: build.old, NEW: build.new });

  const chapter = story('are upgraded role by role, taken back, and upgraded again', 1_200_000);

  chapter('the released version serves: a machine joins, and a customer rents', async () => {
    site = await startSite();
    oldApi = site.stack.endpoints().api!;
    await site.join('atlas', 0.5);
    customer = await site.customer();
    await rent('stays');
    await rent('ends early');
    await rent('grows');
    build.old = await currentBuild();
    await allRun();
    expect((await site.reconcile()).failures).toEqual([]);
  });

  chapter('the new manifests come first, and what runs goes on', async () => {
    await site.applyManifests();
    await rent('ordered under the new manifests');
    await end('ordered under the new manifests');
    await allRun();
    expect((await site.reconcile()).failures).toEqual([]);
  });

  chapter(
    'a worker of this version takes the work, and the old API orders, extends and ends jobs through it',
    async () => {
      await site.stack.add('new-worker', { runs: 'worker', build: site.newBuild });
      build.new = await currentBuild();
      expect(build.new).not.toBe(build.old);
      await allRun();
      await rent('ordered beside the old worker');
      await extend('grows');
      await end('ends early');
      await nothingDiffers();
    },
  );

  chapter('the old worker goes, and all goes on', async () => {
    await site.stack.halt('worker');
    await rent('ordered through the old API');
    await nothingDiffers();
  });

  chapter('both APIs serve one session, and then the new one alone', async () => {
    newApi = (await site.stack.add('new-api', { runs: 'api', build: site.newBuild }))!;
    site.front.leadTo(oldApi, newApi);
    for (let i = 0; i < 4; i++) await allRun();
    await end('ordered beside the old worker');
    site.front.leadTo(newApi);
    await site.stack.halt('api');
    await rent('ordered through the new API');
    await extend('grows');
    await end('ordered through the old API');
    await nothingDiffers();
  });

  chapter('the relay and the watcher follow, and a machine joins beside them', async () => {
    await site.stack.add('new-relay', { runs: 'relay', build: site.newBuild });
    await site.stack.add('new-watcher', { runs: 'watcher', build: site.newBuild });
    await site.join('borealis', 0.4);
    await site.stack.halt('relay');
    await site.stack.halt('watcher');
    await site.stack.add('authorizer', { runs: 'authorizer', build: site.newBuild });
    const since = new Date();
    const heard = async () =>
      (await site.ask('select from provider_heartbeats where last_heartbeat > $1', [since])).length === 2;
    await until(heard, { timeoutMs: 60_000, name: 'both machines are heard through the new relay' });
    await rent('runs on the newcomer');
    await nothingDiffers();
  });

  chapter('an old process that starts now refuses, and says what to do; nothing has changed', async () => {
    const before = await migrations();
    await refuses('api', () => site.stack.resume('api'), [
      'SchemaTooNewError: The database has migrations that this version does not know',
      'Start that version, or a newer one.',
    ]);
    expect(await migrations()).toEqual(before);
    await allRun();
  });

  chapter('on the way back, the API, the relay and the watcher go first, while the worker is new', async () => {
    const back = site.copyOf(site.oldBuild, join(site.newBuild, 'src/db/migrations'));
    oldApi = (await site.stack.add('old-api', { runs: 'api', build: back }))!;
    await site.stack.add('old-relay', { runs: 'relay', build: back });
    await site.stack.add('old-watcher', { runs: 'watcher', build: back });
    site.front.leadTo(oldApi);
    for (const name of ['new-api', 'new-relay', 'new-watcher']) await site.stack.halt(name);
    await rent('ordered on the way back');
    await extend('grows');
    await nothingDiffers();
    // It comes beside the new one, which it leaves the work to.
    await site.stack.add('old-worker', { runs: 'worker', build: back });
    expect(await currentBuild()).toBe(build.new);
  });

  chapter('a version that neither can live with does not begin beside them, and names them', async () => {
    const before = await migrations();
    const sql = `update schema_floor set migration = '${next}';\n`;
    const add = () =>
      site.stack.add('next-relay', { runs: 'relay', build: site.copyOf(site.newBuild, { name: next, sql }) });
    const known = before.at(-1)!.slice(0, 4);
    await refuses('next-relay', add, [
      'OlderBuildsRunError: Older versions of the broker are connected to the database',
      ...['worldland-broker at ', `worldland-broker ${known} at `, 'Nothing was changed.'],
    ]);
    expect(await migrations()).toEqual(before);
    await allRun();
  });

  chapter('what the new worker has touched is pinned to it, and the old one gets all else', async () => {
    await commands('keep()');
    await commands("--pause --reason 'way back'");
    expect(await currentBuild()).toBe(build.old);
    await rent('placed by the old worker');
    await rent('lives with the old worker');
    expect(await buildOf('placed by the old worker')).toBe(build.old);
    for (const name of ['grows', 'ordered through the new API', 'runs on the newcomer'])
      expect([name, await buildOf(name)]).toEqual([name, build.new]);
    await allRun();
    await extend('grows');
    await extend('placed by the old worker');
    await end('ordered through the new API');
    await end('placed by the old worker');
    await nothingDiffers();
  });

  chapter('a machine that joins on the way back waits for the policy of the old version', async () => {
    const joined = site.join('cirrus', 0.3);
    const refused = async () =>
      (await site.troubleOf('cirrus')).includes('the broker marks and removes nodes of providers only');
    await until(refused, { timeoutMs: 120_000, name: 'the new policy refuses what the old worker does to a new node' });
    await site.applyOld('2-admission-policy.yaml');
    await joined;
    await rent('runs on the machine of the way back');
    expect(await buildOf('runs on the machine of the way back')).toBe(build.old);
    await nothingDiffers();
  });

  chapter('without the kept worker, what it keeps stands still and nothing of it is lost', async () => {
    await site.stack.halt('new-worker');
    const { job } = jobs.get('ordered on the way back')!;
    await customer.request('DELETE', `/api/v1/jobs/${job.job_id}`, undefined, { prefer: 'wait=1' });
    await rent('ordered meanwhile');
    await allRun();
    await site.stack.resume('new-worker');
    await end('ordered on the way back');
  });

  chapter('forward again: workers first, then what was pinned is let go, then all others', async () => {
    await site.applyManifests();
    await commands('"${NEW:?}" --yes');
    expect(await currentBuild()).toBe(build.new);
    await commands('versioning-override-behavior unspecified');
    await commands('--unpause');
    await site.stack.halt('old-worker');
    for (const name of ['new-api', 'new-relay', 'new-watcher']) await site.stack.resume(name);
    site.front.leadTo(newApi);
    for (const name of ['old-api', 'old-relay', 'old-watcher']) await site.stack.halt(name);
    await rent('ordered forward again');
    await extend('lives with the old worker');
    await nothingDiffers();
  });

  chapter('in the end every job is over and paid, and nothing differs', async () => {
    const names = [...jobs.keys()];
    for (const name of names) await end(name);
    await nothingDiffers();
    expect(await site.ask(`select job_id from auth_charges c where ${unbookedSql('c')}`)).toEqual([]);
    const open = async (type: string) =>
      (await site.temporal.workflow.count(`WorkflowType = '${type}' and ExecutionStatus = 'Running'`)).count;
    await until(async () => (await open(workflowTypes.job)) === 0, {
      timeoutMs: 60_000,
      name: 'no job has a workflow',
    });
    expect(await open(workflowTypes.provider)).toBe(3);
  });

  chapter(
    'the version that old ones cannot live with begins when they are gone, and then keeps them away',
    async () => {
      const before = await migrations();
      for (const name of ['new-api', 'new-relay', 'new-watcher', 'new-worker', 'authorizer'])
        await site.stack.halt(name);
      await site.stack.resume('next-relay');
      expect(await migrations()).toEqual([...before, next]);
      await refuses('new-relay', () => site.stack.resume('new-relay'), [
        'SchemaTooNewError',
        `does not know (${next})`,
      ]);
    },
  );
});
