import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createHaveLeft, type HaveLeft } from '../../src/roles/authorizer/departed.js';
import { reviewPath, startAuthorizer, type Authorizer } from '../../src/roles/authorizer/server.js';
import { admitNode } from '../../src/db/node-admission.js';
import { leaveNode } from '../../src/db/provider-nodes.js';
import { ask, type Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { connectKubernetes, type Kubernetes } from '../../src/kubernetes/client.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { answerTo, hasLeft, reads, readsNothing } from '../support/node-attempts.js';
import { accessOf, joinStranger, nodeIdentity } from '../support/stranger.js';
import { until } from '../support/until.js';

// A cluster of its own, whose API server asks the broker of this file. Longer than it may remember an answer:
const forgottenAfterMs = 30_000;
let dataDir: string;
let stack: Stack;
let database: TestDatabase;
let kubernetes: Kubernetes;
let admin: Access;
let authorizer: Authorizer | undefined;
/** What was asked about, since the test before. */
let asked: string[][] = [];
let haveLeft: HaveLeft;

const file = (name: string) => readFileSync(join(dataDir, 'kubernetes/authorizer', name), 'utf8');
const portAsked = () =>
  Number((JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as Record<string, number>)['authorizer']);
const listening = () => ({
  AUTHORIZER_HOST: '127.0.0.1',
  AUTHORIZER_PORT: portAsked(),
  AUTHORIZER_TLS_CERT: file('server.crt'),
  AUTHORIZER_TLS_KEY: file('server.key'),
  AUTHORIZER_CLIENT_CA: file('ca.crt'),
});
const open = async (answer: HaveLeft) => {
  authorizer = await startAuthorizer(listening(), (nodes) => {
    asked.push([...nodes]);
    return answer(nodes);
  });
};

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'authorizer-'));
  stack = await startStack({ dataDir, isTemporary: true, engines: ['kubernetes'] });
  database = await freshDatabase();
  haveLeft = createHaveLeft(database.pool);
  const { kubeconfig } = stack.endpoints();
  kubernetes = connectKubernetes({ KUBECONFIG: kubeconfig });
  admin = accessOf(kubeconfig!);
  await open(haveLeft);
}, 900_000);
afterEach(async () => {
  if (authorizer === undefined) await open(haveLeft);
  asked = [];
});
afterAll(async () => {
  await authorizer?.stop();
  await stack?.stop();
  await database?.close();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

interface Member {
  providerId: string;
  nodeName: string;
  access: Access;
}

/** A machine in the fleet, whose owner has taken its certificate. */
async function member(): Promise<Member> {
  const providerId = `m-${randomUUID().slice(0, 8)}`;
  await putProvider(database.pool, { providerId });
  await database.pool.query('delete from provider_nodes where provider_id = $1', [providerId]);
  const { nodeName } = await admitNode(database.pool, { providerId, messageId: providerId, signed: false });
  return { providerId, nodeName, access: (await joinStranger(kubernetes, admin, nodeName)).access };
}
const leave = ({ providerId }: Member) => leaveNode(database.pool, providerId);

/** What Kubernetes says to it; `done` where it does it. */
const said = (access: Access, path: string, method = 'GET', body?: object) => answerTo(ask(access, method, path, body));

/** Beside what `reads` asks for: what every node may read, too. */
const more = [
  '/api/v1/services?watch=true&timeoutSeconds=1',
  '/api/v1/namespaces/kube-system/configmaps/kubeadm-config',
];
/** What a node may read and is refused; by path, in the words of the cluster. */
const refusedTo = async ({ access, nodeName }: Member) =>
  Object.entries(await reads(access, nodeName, more)).filter(([, answer]) => answer !== 'done');

test('a node that has left can read nothing any more, and a node of the fleet can read all that it may', async () => {
  const [stays, goes] = [await member(), await member()];
  expect(await refusedTo(goes)).toEqual([]);
  await leave(goes);
  await readsNothing(goes.access, goes.nodeName, more);
  const mayI = { spec: { resourceAttributes: { verb: 'list', resource: 'services' } } };
  expect(await said(goes.access, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'POST', mayI)).toContain(
    hasLeft,
  );
  expect(await refusedTo(stays)).toEqual([]);
}, 240_000);

test('a DaemonSet’s token from the disk of a node that has left can read nothing either', async () => {
  const goes = await member();
  const namespace = 'kube-system';
  const name = `proxy-${randomUUID().slice(0, 8)}`;
  await kubernetes.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  await kubernetes.rbac.createClusterRoleBinding({
    body: {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node-proxier' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
  const pod = await kubernetes.core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name },
      spec: { serviceAccountName: name, nodeName: goes.nodeName, containers: [{ name: 'a', image: 'a' }] },
    },
  });
  const { status } = await kubernetes.core.createNamespacedServiceAccountToken({
    namespace,
    name,
    body: { spec: { audiences: [], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata!.uid! } } },
  });
  const { server, ca } = admin;
  const daemon: Access = { server, ...(ca === undefined ? {} : { ca }), token: status!.token };
  // The cluster hears of the role a moment later.
  await until(async () => (await said(daemon, '/api/v1/nodes')) === 'done', { name: 'it may read nodes' });
  await leave(goes);
  await until(async () => (await said(daemon, '/api/v1/nodes')).includes(hasLeft), { timeoutMs: forgottenAfterMs });
}, 120_000);

test('the authorizer is not asked about operators, their machines, or accounts that are not on a provider’s machine', async () => {
  const name = `own-${randomUUID().slice(0, 8)}`;
  const own = await nodeIdentity(kubernetes, admin, name);
  asked = [];
  await said(own, '/api/v1/services');
  await said(admin, '/api/v1/services');
  await said(accessOf(stack.endpoints().broker_kubeconfig!), '/api/v1/nodes');
  expect(asked.flat().filter((node) => !node.startsWith('p-m-'))).toEqual([]);
});

test('the authorizer has no opinion on names that are not nodes of this broker, or on a machine with the name of an earlier node', async () => {
  const [before] = [`m-${randomUUID().slice(0, 8)}`];
  await putProvider(database.pool, { providerId: before });
  await database.pool.query(
    `update provider_nodes set left_at = now(), generation = 0, node_name = 'p-from-before' where provider_id = $1`,
    [before],
  );
  expect(await haveLeft(['p-nobodys-1', 'p-from-before', ''])).toBe(false);
});

test('a request of a megabyte is no way around the authorizer', async () => {
  const goes = await member();
  await leave(goes);
  // The selectors of a request are in the review, and take more room there.
  const selector = Array.from({ length: 100_000 }, (_, index) => `a${index}`).join(',');
  expect(await said(goes.access, `/api/v1/services?labelSelector=${encodeURIComponent(selector)}`)).toMatch(
    /it asks for more than a kubelet ever does|this node has left the fleet/,
  );
}, 60_000);

test('without the broker every node goes on, even one that has left', async () => {
  const [stays, goes] = [await member(), await member()];
  await authorizer!.stop();
  authorizer = undefined;
  expect(await refusedTo(stays)).toEqual([]);
  await leave(goes);
  expect(await said(goes.access, '/api/v1/services')).toBe('done');
}, 60_000);

test('a broker that accepts questions and never answers stops no node', async () => {
  const stays = await member();
  await authorizer!.stop();
  authorizer = undefined;
  const held = new Set<Socket>();
  const silent = createTcpServer((socket) => held.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silent.listen(portAsked(), '127.0.0.1', resolve));
  try {
    // What the broker said before may be remembered for some seconds, or a connection to it be found broken first.
    await until(
      async () => {
        for (const path of ['/api/v1/services', `/api/v1/nodes/${stays.nodeName}`])
          expect([path, await said(stays.access, path)]).toEqual([path, 'done']);
        return held.size > 0;
      },
      { timeoutMs: forgottenAfterMs, name: 'it is asked' },
    );
  } finally {
    for (const socket of held) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  }
}, 120_000);

test('without the database a node of the fleet goes on, and one that was denied before stays out', async () => {
  const [stays, goes] = [await member(), await member()];
  await leave(goes);
  expect(await haveLeft([goes.nodeName])).toBe(true);
  const client = await database.pool.connect();
  try {
    await client.query('begin; lock table provider_nodes in access exclusive mode');
    expect(await haveLeft([goes.nodeName])).toBe(true);
    expect(await haveLeft([stays.nodeName])).toBeUndefined();
    expect(await said(stays.access, '/api/v1/services')).toBe('done');
    expect(await said(goes.access, '/api/v1/services')).toContain(hasLeft);
  } finally {
    await client.query('rollback');
    client.release();
  }
}, 60_000);

interface Question {
  path?: string;
  method?: string;
  body?: string;
  certified?: boolean;
  /** Where, and with what, if not with what the local stack made. */
  port?: number;
  read?: (name: string) => string;
  servername?: string;
}

/** A request to the broker itself; the status, or why there is none. */
async function knock(question: Question): Promise<string> {
  const { path = reviewPath, method = 'POST', body = '', certified = true, port = portAsked() } = question;
  const { read = file, servername } = question;
  return await new Promise((resolve) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, path, method, ca: read('ca.crt'), agent: false },
        ...(servername === undefined ? {} : { servername }),
        ...(certified ? { cert: read('client.crt'), key: read('client.key') } : {}),
      },
      (response) => {
        let text = '';
        response
          .on('data', (part) => (text += String(part)))
          .on('end', () => resolve(`${response.statusCode} ${text}`));
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    outgoing.end(body);
  });
}

const review = JSON.stringify({
  ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
  spec: { user: 'system:node:p-a-1' },
});
const noOpinion =
  '200 {"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","status":{"allowed":false}}';

test('a caller without a client certificate for the authorizer is told nothing', async () => {
  const body = review;
  expect(await knock({ body })).toBe(noOpinion);
  expect(await knock({ body, certified: false })).toMatch(/^(ERR_SSL_|ECONNRESET|EPIPE)/);
});

test.each([
  ['404 .*/nodes', { path: '/' }],
  ['405 .*posted', { method: 'GET' }],
  ['400 .*no JSON', { body: '{' }],
  ['400 .*kind', { body: '{"apiVersion":"authorization.k8s.io/v1","kind":"TokenReview","spec":{}}' }],
  ['400 .*spec', { body: '{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview"}' }],
])('an invalid question to the authorizer is answered with a sentence: %s', async (pattern, question) => {
  expect(await knock(question)).toMatch(new RegExp(`^${pattern}`));
});

test('with the certificates of the guide the API server and the broker trust each other, by the name in the kubeconfig', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  const [, commands] = /^```\n(mkdir authorizer[^]*?)^kubectl /m.exec(readFileSync('docs/deploy.md', 'utf8'))!;
  execFileSync('bash', ['-e', '-c', commands!], { cwd: folder, stdio: 'pipe' });
  const read = (name: string) => readFileSync(join(folder, 'authorizer', name), 'utf8');
  const shipped = readFileSync('src/kubernetes/deploy/control-plane/authorizer.kubeconfig', 'utf8');
  const servername = /tls-server-name: (\S+)/.exec(shipped)![1]!;
  expect(shipped).toContain(`SERVICE_ADDRESS${reviewPath}\n`);
  const guided = await startAuthorizer(
    {
      ...{ AUTHORIZER_HOST: '127.0.0.1', AUTHORIZER_PORT: 0 },
      AUTHORIZER_TLS_CERT: read('server.crt'),
      AUTHORIZER_TLS_KEY: read('server.key'),
      AUTHORIZER_CLIENT_CA: read('ca.crt'),
    },
    haveLeft,
  );
  try {
    const { port } = guided.address;
    expect(await knock({ body: review, port, read, servername })).toBe(noOpinion);
    expect(await knock({ body: review, port, read, servername, certified: false })).not.toMatch(/^200/);
  } finally {
    await guided.stop();
    rmSync(folder, { recursive: true });
  }
});
