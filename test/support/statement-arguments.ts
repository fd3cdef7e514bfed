import { registrationOf, testOrder } from './fleet.js';
import { grownJobId, grownProviderId, grownWallet } from './grown-database.js';

const order = testOrder({ wallet: grownWallet, gpuType: '4090' });
const site = { ALLOW_FREE_JOBS: false, GPU_DEFAULT_PRICES: [] };
/** One that is not over. */
const job = grownJobId(59_990);
const endedJob = grownJobId(100);

const address = `0x${'5'.repeat(40)}`;
const hash = `0x${'5'.repeat(64)}`;
const uuid = grownJobId(1_000_000_001);
const at = (hoursAgo: number) => new Date(Date.now() - hoursAgo * 3_600_000);

const placement = {
  ...{ providerId: grownProviderId(1), nodeName: grownProviderId(1), gpuType: 'rtx-4090', gpuModel: 'RTX 4090' },
  ...{ pricePerHour: 0.4, rate: '400000000000000000' },
};

const arrived = {
  ...{ messageId: 'registration/1', providerId: grownProviderId(1), registration: {}, wallet: grownWallet },
  ...{ signed: false, receivedAt: at(0), placeInMs: 0 },
};

/** What a parameter or a field of this name is given. */
const byName: Record<string, () => unknown> = {
  jobId: () => job,
  jobIds: () => [job],
  providerId: () => grownProviderId(1),
  providerIds: () => [grownProviderId(1), grownProviderId(2)],
  nodeName: () => grownProviderId(1),
  nodeNames: () => [grownProviderId(1)],
  notOnNode: () => 'uid',
  ...{ wallet: () => grownWallet, customer: () => grownWallet, owner: () => grownWallet, by: () => grownWallet },
  ...{ address: () => address, signer: () => address, vault: () => address, sessionKey: () => address },
  ...{
    sessionKeys: () => [address],
    sessionIds: () => [uuid],
    id: () => uuid,
    session: () => uuid,
    sessionId: () => uuid,
  },
  ...{
    chainId: () => 97,
    batch: () => 1,
    number: () => 1,
    hash: () => hash,
    hashes: () => [hash],
    digests: () => [hash],
  },
  ...{ limit: () => 50, most: () => 50, cursor: () => undefined, after: () => undefined, since: () => at(24) },
  ...{
    before: () => at(24 * 30),
    olderThan: () => at(24 * 30),
    from: () => at(24 * 30),
    to: () => at(0),
    until: () => at(-1),
  },
  ...{
    now: () => at(0),
    at: () => at(0),
    olderThanS: () => 30,
    withinDays: () => 30,
    slotS: () => 300,
    timeoutS: () => 90,
  },
  ...{
    steps: () => 24,
    stepS: () => 3_600,
    ttlS: () => 3_600,
    ...{ leaseS: () => 15, pauseS: () => 5 },
    seconds: () => 3_600,
    attempt: () => 1,
    allowed: () => 3,
  },
  ...{ amount: () => 5n, added: () => 5n, cost: () => 5n, change: () => 5n, fee: () => 0n, scale: () => 1n },
  ...{ order: () => order, site: () => site, drawnBeforeExitS: () => 0, count: () => 1, miners: () => 1 },
  ...{
    gpuType: () => '4090',
    gpuTypes: () => ['rtx-4090'],
    minVramGb: () => 24,
    minCuda: () => 1_200,
    architecture: () => 'amd64',
  },
  ...{
    tokenId: () => '000001',
    tokenIds: () => ['000001'],
    token: () => '000001',
    messageId: () => 'registration/1',
    messageIds: () => ['registration/1'],
    key: () => 'key',
    keys: () => ['key'],
  },
  ...{
    keyId: () => 'key',
    keyIds: () => ['key'],
    requestId: () => 'request',
    requestKey: () => 'request',
    purpose: () => 'batch/1',
  },
  ...{
    idempotencyKey: () => 'key-100',
    name: () => 'name',
    text: () => 'text',
    message: () => 'text',
    reason: () => 'reason',
  },
  ...{
    namespace: () => 'tenant-1',
    namespaces: () => ['tenant-1'],
    stream: () => 'stream',
    statuses: () => ['failed', 'running'],
  },
  ...{
    answer: () => ({ kind: 'rejected', rejected: 'no' }),
    ahead: () => ({ tokenId: 'ahead0', expiresAt: at(-1) }),
    live: () => true,
    alive: () => true,
    enabled: () => true,
    retire: () => false,
    isWhole: () => true,
    forGood: () => true,
  },
  ...{
    invariant: () => 'money',
    step: () => 'pulling',
    log: () => Buffer.from('log'),
    nodeKey: () => address,
    caHash: () => hash,
  },
  ...{
    timeline: () => '00000001',
    restoreId: () => 1,
    kept: () => [],
    foundAt: () => at(1),
    lastJobId: () => job,
  },
  ...{
    used: () => 1n,
    value: () => grownWallet,
    kind: () => 'wallet',
    resources: () => ['nvidia.com/gpu'],
    privateKey: () => hash,
  },
  ...{
    digest: () => hash,
    fingerprint: () => 'SHA256:x',
    code: () => 'failed',
    deadlineS: () => 60,
    withinS: () => 60,
    afterS: () => 60,
  },
  ...{
    signed: () => false,
    numbers: () => [1],
    block: () => 1,
    exitAtS: () => 1,
    timeS: () => 1,
    range: () => '24h',
    status: () => 'offline',
  },
  ...{
    place: () => placement,
    placement: () => placement,
    charges: () => [],
    them: () => [{ kind: 'wallet', value: grownWallet }],
  },
  ...{
    waitsFor: () => 'gas',
    why: () => 'text',
    read: () => ({ block: 0, logIndex: 0 }),
    accounts: () => [{ kind: 'customer', owner: grownWallet }],
  },
  ...{
    ...{ newest: () => '000002', encKey: () => 'key', answeredAt: () => new Date() },
    ports: () => [{ port: 8_888, name: 'web', protocol: 'http' }],
    CLUSTER_NODE_PORTS: () => 12_768,
    ...{ everyS: () => 60, byS: () => 60, tokenKey: () => 1 },
    batchDelayS: () => 60,
    remove: () => () => Promise.resolve(),
    tell: () => () => Promise.resolve(),
  },
  ...{
    work: () => () => Promise.resolve(false),
    filter: () => ({ limit: 50 }),
    jobs: () => [job],
    timeoutMs: () => 5_000,
  },
  ...{ told: () => [], tenants: () => [{ wallet: grownWallet, namespace: 'tenant-1' }] },
  tenant: () => ({ wallet: grownWallet, namespace: 'tenant-1' }),
};

/** What functions are given behind the database whose parameters have names of their own. */
const given: Record<string, () => unknown[]> = {
  listJobs: () => [grownWallet, { limit: 50, statuses: ['failed', 'running'] }],
  listAnyJobs: () => [{ limit: 50, statuses: ['failed', 'running'] }],
  listAnyProviders: () => [{ limit: 50 }, site],
  failedAudit: () => ['1', 'failed'],
  marketHistory: () => [['rtx-4090'], '24h'],
  searchProviders: () => [{ sort: 'price', limit: 50, offset: 0 }],
  gpuAvailability: () => [{ limit: 100 }, site],
  findOffers: () => [{ order, sort: 'price', limit: 50 }, site],
  readRevenue: () => [{ by: 'day', from: at(24), to: at(0), limit: 50 }],
  endedCredentials: () => [[{ sessionId: uuid }]],
  findSshKeys: () => [grownWallet, [uuid]],
  lastAccepted: () => ['heartbeat', grownProviderId(1)],
  heldGpus: () => [[grownProviderId(1)]],
  liveAnswers: () => [
    [{ providerId: grownProviderId(1), command: 'registration/1#0', wallet: grownWallet, signed: false }],
  ],
  replacedTokensOf: () => [[{ providerId: grownProviderId(1), newest: '000002' }]],
  markTokensAnswered: () => [[{ tokenId: '000002', encKey: 'key', answeredAt: at(0) }]],
  reserveJoinTokens: () => [
    [{ providerId: grownProviderId(1), messageId: 'registration/1#1', nodeName: grownProviderId(1), ttlS: 60 }],
  ],
  keepRegistrations: () => [[arrived]],
  whichHaveRoom: () => [[{ providerId: grownProviderId(1), wallet: grownWallet, signed: false }]],
  recordRegistrations: () => [[registrationOf({ providerId: grownProviderId(1) })], site],
  recordAnswers: () => [[{ messageId: 'registration/1', answer: { kind: 'rejected', rejected: 'no' } }]],
  admitNodes: () => [[{ providerId: grownProviderId(1), messageId: 'registration/1#0', signed: true }]],
  setProviderStatuses: () => [[grownProviderId(1)], 'offline', 'text'],
  registrationRecords: () => [[{ providerId: grownProviderId(1), wallet: grownWallet }]],
  settleCharges: () => [endedJob, 0n],
  listBills: () => [{ wallet: grownWallet }, { by: 'day', from: at(24 * 30), to: at(0), limit: 50 }],
  announceExpiries: () => [],
  recordWatch: () => [
    job,
    { now: { restarts: 0, gpusLost: false, events: 1 }, told: [{ kind: 'phase', text: 'text', data: {} }] },
  ],
  limitsAfter: () => [
    { wallet: grownWallet, limit: 9n, used: 1n },
    { session: 1n, ledger: 1n },
  ],
};

/** Functions that are not called, each with the reason. */
export const excused: Record<string, string> = {
  ...because(
    'writes rows by their keys',
    'acceptDelegation addJobKey addReplacement advanceSequence advanceSequences backfillReservation beginRestore bookReservation bookSettlement endBatch endWithdrawal forgetPermit freezeRefused insertBatch insertJob insertReceipt insertRevocation insertSession insertSshKey insertTx insertVaultEvents insertWithdrawal keepPermit keepSignature keepFirstKey leaveDelegation markEnded markRunning markService postEntry recordAudit recordBatchWait recordBilled recordCapacity recordFailure recordGaps recordHeartbeats recordMinerCounts recordNewCompared recordNode recordTx recordTxWait recordSeen recordVault refusePermit replaceIncoming replaceKey setBlock setExit setMiningWanted setProviderStatus storeSignatures storeTargets tellOrdered tellAlso keepOwnerPrices changeOwnerPrices moveVaultCursor allowToOwe renameSshKey deleteSshKey',
  ),
  ...because(
    'reads rows of one key, in an own shape',
    'planSales wasProven overdueWithdrawals nextEvents payeesOfBatches unitsInVault batchFacts',
  ),
  ...because('runs the statement that it is given', 'removeOld compareInvariant createEventBell'),
};

function because(reason: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, reason]));
}

/** Functions that read much of a history, each with why they may. */
export const readsHistory: Record<string, string> = {
  forgetUnreadyJobs: 'it looks up what a thousand jobs left, which is as much as these tables have here',
};

/** The arguments of a function behind its database, by its source. */
export function argumentsOf(name: string, source: string): unknown[] {
  const own = given[name];
  if (own !== undefined) return own();
  return parametersOf(source)
    .slice(1)
    .filter((parameter) => parameter.startsWith('{') || !parameter.includes('='))
    .map((parameter) => {
      if (!parameter.startsWith('{')) return valueOf(name, parameter, byName);
      const fields = parameter.slice(1, -1).split(',');
      const named = fields.map((field) => field.split(/[:=]/)[0]!.trim()).filter((field) => field !== '');
      return Object.fromEntries(named.map((field) => [field, valueOf(name, field, byName)]));
    });
}

function valueOf(name: string, parameter: string, values: typeof byName): unknown {
  const value = values[parameter];
  if (value === undefined)
    throw new Error(`say in test/support/statement-arguments.ts what ${name} is given for ${parameter}`);
  return value();
}

/** The parameters of a function as they are written; what has a default contains `=`. */
function parametersOf(source: string): string[] {
  const parameters: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of source.slice(source.indexOf('('))) {
    if ('({['.includes(character)) depth++;
    if (')}]'.includes(character)) depth--;
    if (depth === 0 || (depth === 1 && character === ',')) {
      parameters.push(current.trim());
      current = '';
      if (depth === 0) return parameters;
    } else if (depth > 1 || character !== '(') current += character;
  }
  return parameters;
}
