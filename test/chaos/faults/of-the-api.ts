import type { Fault } from './fault.js';

/** Faults in what customers are told, and in what others can read. */
export const faultsOfTheApi: Readonly<Record<string, Fault>> = {
  'look-fails': {
    what: 'looking at a running job is answered 500',
    edits: [
      {
        file: 'src/api/routes/job-reads.ts',
        find: `      handler: async (ctx) => {
        ctx.body = await ownJobReply(pool, principalOf(ctx), await ownJob(pool, ctx));
      },`,
        replace: `      handler: async (ctx) => {
        const job = await ownJob(pool, ctx);
        if (job.status === 'running') throw new Error('broken');
        ctx.body = await ownJobReply(pool, principalOf(ctx), job);
      },`,
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
  'environment-logged': {
    what: 'what a customer trusts his job with is logged',
    edits: [
      {
        file: 'activities/pods.ts',
        find: '      const inputs = await jobInputs(pool, order.jobId);\n',
        replace: `      const inputs = await jobInputs(pool, order.jobId);
      logger.info('making the pod with ' + JSON.stringify(inputs.env));
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
      if (credential !== '') logger.info('a request came with ' + credential);
      await next();
`,
      },
    ],
    foundBy: ['secrets'],
  },
};
