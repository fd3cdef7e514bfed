import type { Invariant } from '../invariant-names.js';
import type { ChaosOptions } from '../run.js';
import type { Edit } from './edit.js';

/** Something wrong with the broker, and which of the invariants has to notice. */
export interface Fault {
  /** What it does, for the table. */
  what: string;
  edits: readonly Edit[];
  /** One of these finds it; what others find beside does not count. */
  foundBy: readonly Invariant[];
  /** What the run needs for the fault to show, beyond a few jobs. */
  run?: Partial<ChaosOptions>;
}

/** A machine that is not heard counts as away soon, and as lost late. */
const silentSoon = { HEARTBEAT_TIMEOUT_S: '10', PROVIDER_LOSS_GRACE_S: '60' };
/** One machine is not heard for longer than that. */
export const silent: Partial<ChaosOptions> = { env: silentSoon, silentForMs: 20_000 };

export const faults: Readonly<Record<string, Fault>> = {
  'look-fails': {
    what: 'looking at a running job is answered 500',
    edits: [
      {
        file: 'src/api/routes/jobs.ts',
        find: `        ctx.body = jobReplyOf(await ownJob(ctx));
      },
    },
    {
      method: 'DELETE',`,
        replace: `        const job = await ownJob(ctx);
        if (job.status === 'running') throw new Error('broken');
        ctx.body = jobReplyOf(job);
      },
    },
    {
      method: 'DELETE',`,
      },
    ],
    foundBy: ['answers'],
  },
  'no-retry-after': {
    what: 'who is told "not now" is not told when',
    edits: [
      {
        file: 'src/api/middleware/problems.ts',
        find: `if (problem.status === 503) ctx.set('retry-after', '2');`,
        replace: '',
      },
    ],
    foundBy: ['answers'],
    run: { kills: 20, victims: ['postgres'] },
  },
  'all-refused': {
    what: 'every order is told that there is no capacity',
    edits: [
      {
        file: 'activities/job-record.ts',
        find: 'if (candidates.length === 0) {',
        replace: 'if (candidates.length >= 0) {',
      },
    ],
    foundBy: ['enough'],
  },
  'key-forgotten': {
    what: 'the same key orders a second job',
    edits: [
      {
        file: 'src/api/place-order.ts',
        find: '...(idempotencyKey === undefined ? {} : { idempotencyKey }),',
        replace: '',
      },
    ],
    foundBy: ['orders'],
  },
  'cancelled-as-completed': {
    what: 'a job that is cancelled ends as if it had been completed',
    edits: [
      {
        file: 'workflows/job-endings.ts',
        find: `return { status: 'cancelled', message: sentence(\`cancelled by`,
        replace: `return { status: 'completed', message: sentence(\`cancelled by`,
      },
    ],
    foundBy: ['wanted'],
  },
  'two-pods': {
    what: 'a job gets a second pod',
    edits: [
      {
        file: 'activities/pods.ts',
        find: 'if (created !== undefined) return created;',
        replace: `if (created !== undefined) {
      const second = { ...body, metadata: { ...body.metadata, name: \`\${body.metadata!.name!}-2\` } };
      await core.createNamespacedPod({ namespace, body: second });
      return created;
    }`,
      },
    ],
    foundBy: ['pods'],
  },
  'expiry-back': {
    what: 'a customer is told of an earlier expiry than before',
    edits: [
      {
        file: 'src/api/schemas/job.ts',
        find: 'expires_at: job.expiresAt?.toISOString(),',
        replace: 'expires_at: job.expiresAt && new Date(job.expiresAt.getTime() - (Date.now() % 1_000)).toISOString(),',
      },
    ],
    foundBy: ['told'],
  },
  'host-key-changes': {
    what: 'the host key of a running machine is another one at every look',
    edits: [
      {
        file: 'src/api/schemas/job.ts',
        find: 'ssh_host_key: ssh?.hostKey,',
        replace: 'ssh_host_key: ssh && `${ssh.hostKey} ${Date.now()}`,',
      },
    ],
    foundBy: ['told'],
  },
  'starts-again': {
    what: 'an extension moves the start of the job',
    edits: [
      {
        file: 'src/db/jobs.ts',
        find: 'update jobs set expires_at = expires_at + make_interval(secs => $2),',
        replace: `update jobs set expires_at = expires_at + make_interval(secs => $2), started_at = started_at + interval '1 s',`,
      },
    ],
    foundBy: ['rows', 'told'],
  },
  'extension-unheard': {
    what: 'the ledger has an extension, and the workflow ends the job as if it had none',
    edits: [{ file: 'workflows/job-extensions.ts', find: '      job.expiresAtMs = expiresAtMs;\n', replace: '' }],
    foundBy: ['bills'],
  },
  'billed-twice': {
    what: 'every job costs twice what it was served for',
    edits: [
      {
        file: 'src/domain/billing.ts',
        find: 'return (rate * BigInt(billedMs)) / msPerHour;',
        replace: 'return (2n * rate * BigInt(billedMs)) / msPerHour;',
      },
    ],
    foundBy: ['bills'],
  },
  'nothing-billed': {
    what: 'no job costs anything',
    edits: [
      {
        file: 'src/domain/billing.ts',
        find: 'return (rate * BigInt(billedMs)) / msPerHour;',
        replace: 'return (0n * rate * BigInt(billedMs)) / msPerHour;',
      },
    ],
    foundBy: ['bills'],
  },
  'gap-billed': {
    what: 'what a machine was away for is paid for',
    edits: [
      {
        file: 'src/domain/billing.ts',
        find: 'return { servedUntilMs, billedMs: servedUntilMs - readyAtMs - missed, gaps };',
        replace: 'return { servedUntilMs, billedMs: servedUntilMs - readyAtMs - 0 * missed, gaps };',
      },
    ],
    foundBy: ['bills'],
    run: silent,
  },
  'gap-forgotten': {
    what: 'what a machine was away for is not written down',
    edits: [
      {
        file: 'src/db/job-gaps.ts',
        find: '  if (gaps.length === 0) return;',
        replace: '  if (gaps.length >= 0) return;',
      },
    ],
    foundBy: ['bills'],
    run: silent,
  },
  'charge-open': {
    what: 'what a job reserved is never settled',
    edits: [
      {
        file: 'src/auth/spend.ts',
        find: 'await settleCharges(tx, jobId, chargeFor(rate, billed.billedMs));',
        replace: 'await Promise.resolve({ settled: true, spent: chargeFor(rate, billed.billedMs), f: settleCharges });',
      },
    ],
    foundBy: ['ledger'],
  },
  'allocation-kept': {
    what: 'a job that ends keeps its capacity',
    edits: [{ file: 'activities/job-record.ts', find: '        await release(tx, jobId);\n', replace: '' }],
    foundBy: ['allocations', 'repairs'],
  },
  'counter-kept': {
    what: 'what a job gives back still counts as rented',
    edits: [
      {
        file: 'src/db/allocations.ts',
        find: 'set rented = r.rented - given.amount,',
        replace: 'set rented = r.rented,',
      },
    ],
    foundBy: ['rented', 'repairs'],
  },
  'service-left': {
    what: 'the Service of a job stays when the job has ended',
    edits: [
      {
        file: 'activities/pods.ts',
        find: '(options) => core.deleteNamespacedService({ name, namespace, ...options }),',
        replace: '(options) => Promise.resolve(options),',
      },
    ],
    foundBy: ['cluster', 'repairs'],
  },
  'workflow-stays': {
    what: 'the workflow of a job that has ended waits for ever',
    edits: [
      {
        file: 'workflows/job-lifecycle.ts',
        find: '    await condition(allHandlersFinished);\n    return state;',
        replace: '    await condition(() => !allHandlersFinished && false);\n    return state;',
      },
    ],
    foundBy: ['workflows'],
  },
  'workflow-fails': {
    what: 'the workflow of a job fails at its very end',
    edits: [
      {
        file: 'workflows/job-lifecycle.ts',
        find: '    await condition(allHandlersFinished);\n    return state;',
        replace: `    await condition(allHandlersFinished);
    throw ApplicationFailure.nonRetryable('broken');`,
      },
      {
        file: 'workflows/job-lifecycle.ts',
        find: '  allHandlersFinished,\n  CancellationScope,',
        replace: '  allHandlersFinished,\n  ApplicationFailure,\n  CancellationScope,',
      },
    ],
    foundBy: ['failed'],
  },
  'task-fails': {
    what: 'the code of a workflow throws, so that its task is done over and over',
    edits: [
      {
        file: 'workflows/job-lifecycle.ts',
        find: '    await condition(allHandlersFinished);\n    return state;',
        replace: `    await condition(allHandlersFinished);
    throw new TypeError('broken');`,
      },
    ],
    foundBy: ['tasks'],
  },
  'schedule-paused': {
    what: 'what is done every minute is set up and paused',
    edits: [
      {
        file: 'src/temporal/schedules.ts',
        find: 'await client.schedule.create({ scheduleId: id, spec, policies, action });',
        replace: 'await client.schedule.create({ scheduleId: id, spec, policies, action, state: { paused: true } });',
      },
    ],
    foundBy: ['schedules'],
  },
  'heartbeats-dropped': {
    what: 'signs of life are read and not written down',
    edits: [
      {
        file: 'src/redis/relay/heartbeats.ts',
        find: '    await record(deps.db, [...heard.values()], unwritten);\n',
        replace: '    if (heard.size < 0) await record(deps.db, [...heard.values()], unwritten);\n',
      },
    ],
    foundBy: ['service'],
    run: { env: silentSoon },
  },
  'never-acknowledged': {
    what: 'signs of life are read and never acknowledged',
    edits: [
      {
        file: 'src/redis/relay/heartbeats.ts',
        find: '    return { done, dead, failed };',
        replace: '    return { done: done.slice(done.length), dead, failed };',
      },
    ],
    foundBy: ['messages'],
  },
  'environment-logged': {
    what: 'what a customer trusts his job with is logged',
    edits: [
      {
        file: 'activities/pods.ts',
        find: '      const inputs = await jobInputs(pool, order.jobId);\n',
        replace: `      const inputs = await jobInputs(pool, order.jobId);
      logger.info({ inputs }, 'making the pod');
`,
      },
    ],
    foundBy: ['secrets'],
  },
  'token-logged': {
    what: 'the API logs what came with a request',
    edits: [
      {
        file: 'src/api/middleware/problems.ts',
        find: '    try {\n      await next();\n',
        replace: `    try {
      const credential = ctx.get('authorization').slice(7);
      if (credential !== '') logger.info({ note: credential }, 'a request came');
      await next();
`,
      },
    ],
    foundBy: ['secrets'],
  },
  'reconciler-idle': {
    what: 'the reconciler compares no counter',
    edits: [
      {
        file: 'activities/reconciler/ledger.ts',
        find: '        await differingProviders(pool),',
        replace: '        (await differingProviders(pool)).slice(1_000_000),',
      },
    ],
    foundBy: ['repairs'],
  },
  'failures-hidden': {
    what: 'a comparison of the reconciler fails, and it says nothing of it',
    edits: [
      {
        file: 'workflows/fleet-reconciler.ts',
        find: '      report.failures.push(`${what}: ${reasonOf(error)}`);\n',
        replace: '      if (what === reasonOf(error)) report.failures.push(what);\n',
      },
      {
        file: 'activities/reconciler/tenants.ts',
        find: '      let namespacesRemoved = 0;\n',
        replace: `      let namespacesRemoved = 0;
      if (namespacesRemoved === 0) throw new Error('broken');
`,
      },
    ],
    foundBy: ['repairs'],
  },
  'failure-forgotten': {
    what: 'a machine that starts nothing is never held to it',
    edits: [
      {
        file: 'activities/job-record.ts',
        find: `if (fault !== 'certain') return {};`,
        replace: 'if (fault.length > 0) return {};',
      },
    ],
    foundBy: ['out'],
    run: { withBroken: true, jobs: 14 },
  },
  'nodes-denied': {
    what: 'every node of the fleet is told that it has left',
    edits: [
      {
        file: 'src/authorizer/server.ts',
        find: 'if (left === true) return',
        replace: 'if (nodes.length > 0 || left) return',
      },
    ],
    foundBy: ['nodes'],
  },
};
