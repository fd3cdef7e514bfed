import { silentSoon, type Fault } from './fault.js';

/** Faults of workflows, relays and the reconciler, and leaks. */
export const faultsOfTheWork: Readonly<Record<string, Fault>> = {
  'cancelled-as-completed': {
    what: 'a job that is cancelled ends as if it had been completed',
    edits: [
      {
        file: 'workflows/job-endings.ts',
        find: `return { status: 'cancelled', message: sentence(who`,
        replace: `return { status: 'completed', message: sentence(who`,
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
        file: 'workflows/job-end.ts',
        find: '  await condition(allHandlersFinished);\n  return state;',
        replace: '    await condition(() => !allHandlersFinished && false);\n    return state;',
      },
    ],
    foundBy: ['workflows'],
  },
  'workflow-fails': {
    what: 'the workflow of a job fails at its very end',
    edits: [
      {
        file: 'workflows/job-end.ts',
        find: '  await condition(allHandlersFinished);\n  return state;',
        replace: `    await condition(allHandlersFinished);
    throw ApplicationFailure.nonRetryable('broken');`,
      },
      {
        file: 'workflows/job-end.ts',
        find: 'import { allHandlersFinished, condition,',
        replace: 'import { allHandlersFinished, ApplicationFailure, condition,',
      },
    ],
    foundBy: ['failed'],
  },
  'task-fails': {
    what: 'the code of a workflow throws, so that its task is done over and over',
    edits: [
      {
        file: 'workflows/job-end.ts',
        find: '  await condition(allHandlersFinished);\n  return state;',
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
        file: 'src/roles/relay/heartbeats.ts',
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
        file: 'src/roles/relay/heartbeats.ts',
        find: '    return { done, dead, failed };',
        replace: '    return { done: done.slice(done.length), dead, failed };',
      },
    ],
    foundBy: ['messages'],
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
    what: 'after a while a node of the fleet is told that it has left',
    edits: [
      {
        file: 'src/roles/authorizer/server.ts',
        find: 'if (left === true) return',
        replace: `firstAskedMs ??= Date.now();
  if (left === true || (/^p-chaos-a-/.test(nodes[0] ?? '') && Date.now() - firstAskedMs > 30_000)) return`,
      },
      {
        file: 'src/roles/authorizer/server.ts',
        find: 'function denied(',
        replace: 'let firstAskedMs: number | undefined;\n\nfunction denied(',
      },
    ],
    foundBy: ['nodes'],
    // The machine has joined by then, and customers still rent.
    run: { jobs: 14 },
  },
  'never-elsewhere': {
    what: 'an order that a machine does not start goes nowhere else',
    edits: [
      {
        file: 'workflows/job-placement.ts',
        find: 'order.providerId === undefined && attempt < maxPlacements;',
        replace: 'order.providerId === undefined && attempt < 0 * maxPlacements;',
      },
    ],
    foundBy: ['starts'],
    run: { withBroken: true, jobs: 14 },
  },
  'price-kept': {
    what: 'of a provider that registers again, the first price counts',
    edits: [
      {
        file: 'src/db/provider-resources.ts',
        find: 'price_per_hour = excluded.price_per_hour, vram_gb',
        replace: 'price_per_hour = r.price_per_hour, vram_gb',
      },
    ],
    foundBy: ['insistent'],
  },
};
