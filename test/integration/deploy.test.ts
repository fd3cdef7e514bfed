import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type {
  KubernetesObject,
  V1ConfigMap,
  V1ClusterRole,
  V1Deployment,
  V1Namespace,
  V1NetworkPolicy,
  V1PodSpec,
  V1RoleBinding,
} from '@kubernetes/client-node';
import { readConfig, roles } from '../../src/config.js';
import { silent } from '../../engines/log.js';
import { memoryBounds } from '../../engines/broker.js';
import { packageRoot } from '../../engines/paths.js';
import { findDeploymentFiles } from '../../engines/tools/deployment-files.js';
import { connectKubernetes, unlessNotFound, type Kubernetes } from '../../src/kubernetes/client.js';
import { apiAccount, logsRole } from '../../src/kubernetes/names.js';
import { certificateAuthority } from '../support/certificates.js';
import { apply, brokerAccount, manifests } from '../support/deployment.js';
import { readDockerfile, type Dockerfile } from '../support/dockerfile.js';
import { endpoint } from '../support/engines.js';
import { until } from '../support/until.js';

const named = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata?.name}`;
const of = <T extends KubernetesObject>(kind: string) => manifests().filter((object) => object.kind === kind) as T[];
const folder = mkdtempSync(join(tmpdir(), 'deploy-'));
const authority = certificateAuthority(folder);
const { certFile, keyFile } = authority.issue('broker', 'DNS:broker');
const receiptKeyFile = join(folder, 'receipt-key');
writeFileSync(receiptKeyFile, `0x${randomBytes(32).toString('hex')}\n`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A process with this environment knows each of these variables, and takes their values; files are there for it to read. */
function expectUnderstood(environment: Record<string, string>): void {
  const named = Object.entries(environment).filter(([name, value]) => value !== '' && name !== 'KUBECONFIG');
  const file = (name: string) =>
    name === 'RECEIPT_PRIVATE_KEY_FILE'
      ? receiptKeyFile
      : name.endsWith('KEY_FILE')
        ? keyFile
        : name.endsWith('CA_FILE')
          ? authority.caFile
          : certFile;
  const given = named.map(([name, value]) => [name, name.endsWith('_FILE') ? file(name) : value] as const);
  expect(Object.keys(readConfig({ ...Object.fromEntries(given), NODE_ENV: 'production' }))).toEqual(
    expect.arrayContaining(given.map(([name]) => name.replace(/_FILE$/, ''))),
  );
}

const isEmpty = (selector: object | undefined) => Object.keys(selector ?? {}).length === 0;
const includes = (all: Record<string, string>, some: Record<string, string>) =>
  Object.entries(some).every(([name, value]) => all[name] === value);

describe('the manifests of the broker', () => {
  let kubernetes: Kubernetes;
  /** Stands for those of the manifests, which an operator may have made already. */
  const standIn = `deploy-test-${randomUUID().slice(0, 8)}`;

  beforeAll(async () => {
    kubernetes = connectKubernetes({ KUBECONFIG: endpoint('kubeconfig') });
    const own = of<V1Namespace>('Namespace').find(({ metadata }) => metadata?.name === brokerAccount.namespace)!;
    await kubernetes.core.createNamespace({ body: { metadata: { ...own.metadata!, name: standIn } } });
    for (const name of [brokerAccount.name, apiAccount]) {
      await kubernetes.core.createNamespacedServiceAccount({ namespace: standIn, body: { metadata: { name } } });
    }
    // Pods without an account of their own have this one, which is there a moment after the namespace.
    const byDefault = { name: 'default', namespace: standIn };
    await until(
      async () => (await unlessNotFound(kubernetes.core.readNamespacedServiceAccount(byDefault))) !== undefined,
    );
  });
  afterAll(() => kubernetes.core.deleteNamespace({ name: standIn }));

  const placed = (object: KubernetesObject): KubernetesObject =>
    object.metadata?.namespace === undefined || object.metadata.namespace.startsWith('kube-')
      ? object
      : { ...object, metadata: { ...object.metadata, namespace: standIn } };

  test.each(manifests().map((object) => [named(object), object] as const))(
    'the API server accepts the manifest %s',
    async (name, object) => {
      expect((await apply(kubernetes.config, [placed(object)], true)).map(named)).toEqual([name]);
    },
  );

  test.each(of<V1Deployment>('Deployment').map((deployment) => [named(deployment), deployment] as const))(
    'the pods of %s are accepted where the restricted pod security standard is enforced',
    async (_, { spec }) => {
      const pod = { metadata: { name: 'pod', namespace: standIn }, spec: { ...spec!.template.spec! } };
      await kubernetes.core.createNamespacedPod({ namespace: standIn, body: pod, dryRun: 'All' });
    },
  );

  test('the account of the API reads logs, and the manifests bind it nowhere', () => {
    const { rules } = of<V1ClusterRole>('ClusterRole').find(({ metadata }) => metadata?.name === logsRole)!;
    expect(rules).toEqual([{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }]);
    const bindings = [...of<V1RoleBinding>('RoleBinding'), ...of<V1RoleBinding>('ClusterRoleBinding')];
    expect(bindings.flatMap(({ subjects = [] }) => subjects).map(({ name }) => name)).not.toContain(apiAccount);
  });

  test('every role has a Deployment, and only the roles that use Kubernetes get a token for it', () => {
    const podOf = ({ spec }: V1Deployment): V1PodSpec => spec!.template.spec!;
    const found = of<V1Deployment>('Deployment').map((deployment) => {
      const role = podOf(deployment).containers[0]!.env!.find(({ name }) => name === 'BROKER_ROLES')!.value!;
      return [
        role,
        podOf(deployment).automountServiceAccountToken === false ? undefined : podOf(deployment).serviceAccountName,
      ];
    });
    expect(Object.fromEntries(found)).toEqual({
      api: apiAccount,
      relay: undefined,
      authorizer: undefined,
      worker: 'broker',
      watcher: 'broker',
    });
  });

  test('no pod of the broker is open to the network except on the ports that a policy names', () => {
    const policies = of<V1NetworkPolicy>('NetworkPolicy').map(({ spec }) => spec!);
    expect(policies.filter(({ ingress, podSelector }) => ingress === undefined && isEmpty(podSelector))).toHaveLength(
      1,
    );
    for (const { metadata, spec } of of<V1Deployment>('Deployment')) {
      const own = spec!.template.metadata!.labels!;
      const open = policies.filter(
        ({ podSelector }) => podSelector?.matchLabels !== undefined && includes(own, podSelector.matchLabels),
      );
      const ports = open.flatMap(({ ingress }) =>
        ingress!.flatMap(({ ports: named }) => named!.map(({ port }) => port)),
      );
      const listening = spec!.template.spec!.containers[0]!.ports!.map(({ name }) => name);
      expect([metadata?.name, ports.sort()]).toEqual([metadata?.name, listening.sort()]);
      for (const { ingress } of open)
        for (const { _from, ports: named } of ingress!) {
          // The API server has no namespace; it shows a certificate.
          const isOpen = named!.every(({ port }) => port === 'authorizer');
          expect(_from?.[0]?.namespaceSelector !== undefined).toBe(!isOpen);
        }
    }
  });

  test('the broker understands every variable that the manifests set', () => {
    const { data } = of<V1ConfigMap>('ConfigMap').find(({ metadata }) => metadata?.name === 'broker')!;
    expectUnderstood(data!);
  });
});

describe('docker-compose.yml', () => {
  interface Service {
    environment?: Record<string, string>;
    secrets?: { source: string }[];
    ports?: { host_ip?: string; target: number }[];
    healthcheck?: object;
    image: string;
  }
  const file = join(packageRoot, 'docker-compose.yml');
  const set = {
    POSTGRES_PASSWORD: 'one',
    REDIS_PASSWORD: 'two',
    AUTH_AUDIENCE: 'https://broker.example.com',
    MASTER_PUBLIC_IP: '203.0.113.10',
    BROKER_KUBECONFIG: './broker.kubeconfig',
  };
  const everything = { ...set, COMPOSE_PROFILES: 'authorizer' };
  /** `docker compose config`, by the library that it is made of. */
  async function config(env: Record<string, string>): Promise<Record<string, Service>> {
    const { path } = await findDeploymentFiles(silent);
    const { stdout } = await promisify(execFile)(path, ['compose', file], { env });
    return (JSON.parse(stdout) as { services: Record<string, Service> }).services;
  }
  let services: Record<string, Service>;
  beforeAll(async () => {
    services = await config(everything);
  }, 600_000);

  test.each(Object.keys(set))('docker-compose.yml says when %s is missing', async (name) => {
    const { [name as keyof typeof set]: _, ...rest } = set;
    await expect(config(rest)).rejects.toMatchObject({ stderr: expect.stringContaining(`set ${name} in .env`) });
  });

  test('docker-compose.yml runs every role once, the authorizer on request, and the broker understands every variable that it sets', async () => {
    const own = Object.values(services).filter(({ image }) => image === 'worldland-broker');
    expect(own.map(({ environment }) => environment!['BROKER_ROLES']).sort()).toEqual([...roles].sort());
    for (const { environment } of own) expectUnderstood(environment!);
    // It needs certificates, and an API server that asks.
    expect(Object.keys(services)).toContain('authorizer');
    expect(Object.keys(await config(set))).not.toContain('authorizer');
  });

  test('docker-compose.yml gives the kubeconfig to the services that use Kubernetes', () => {
    const holders = Object.entries(services).filter(([, { secrets }]) =>
      secrets?.some(({ source }) => source === 'kubeconfig'),
    );
    expect(holders.map(([name]) => name).sort()).toEqual(['watcher', 'worker']);
  });

  test('docker-compose.yml gives the API a kubeconfig of its own, which may be absent', async () => {
    const sources = (of: Record<string, Service>) => of['api']!.secrets!.map(({ source }) => source);
    expect(sources(services)).toEqual(['api-kubeconfig']);
    expect(services['api']!.environment!['KUBECONFIG']).toBe('/run/secrets/api-kubeconfig');
    expect(sources(await config({ ...set, BROKER_API_KUBECONFIG: './broker-api.kubeconfig' }))).toEqual([
      'api-kubeconfig',
    ]);
  });

  test('docker-compose.yml opens no port to the network by itself', () => {
    const open = Object.values(services).flatMap(({ ports }) => ports ?? []);
    expect(open.map(({ target }) => target).sort()).toEqual([6379, 8080, 9443]);
    expect(new Set(open.map(({ host_ip }) => host_ip))).toEqual(new Set(['127.0.0.1']));
  });

  test('docker-compose.yml lets only the broker into Redis as the broker', () => {
    const own = Object.values(services).filter(({ image }) => image === 'worldland-broker');
    for (const { environment } of own)
      expect(environment).toMatchObject({ REDIS_USERNAME: 'broker', REDIS_PASSWORD: 'two' });
    expect(services['redis']!.environment).toMatchObject({ REDIS_PASSWORD: 'two', REDIS_PROVIDER_PASSWORD: '' });
  });

  test('docker-compose.yml publishes no Temporal UI, which would not ask for a login', () => {
    expect(services['temporal-ui']!.ports).toBeUndefined();
  });

  test('docker-compose.yml pins every image that it does not build', () => {
    for (const { image } of Object.values(services))
      expect(image).toMatch(/^worldland-broker$|:\d+\.\d+[\w.-]*(?:@sha256:[0-9a-f]{64})?$/);
  });

  test('docker-compose.yml runs the same Temporal server as the local stack', () => {
    const pinned = /go\.temporal\.io\/server v(\S+)/.exec(
      readFileSync(join(packageRoot, 'engines/go/temporal/go.mod'), 'utf8'),
    )?.[1];
    expect(services['temporal']!.image).toBe(`temporalio/server:${pinned}`);
  });
});

describe('the Dockerfile', () => {
  let dockerfile: Dockerfile;
  beforeAll(async () => {
    dockerfile = await readDockerfile(join(packageRoot, 'Dockerfile'), packageRoot);
  }, 600_000);

  test('the builder reads the Dockerfile without a warning, and every copied file exists', () => {
    expect(dockerfile.warnings).toEqual([]);
    expect(dockerfile.stages).toHaveLength(2);
  });

  test('the Dockerfile builds on a pinned base, and runs as an unprivileged user', () => {
    for (const { base } of dockerfile.stages) expect(base).toMatch(/^node:\d+\.\d+\.\d+-[\w-]+@sha256:[0-9a-f]{64}$/);
    const user = dockerfile.stages.at(-1)!.steps.findLast(({ kind }) => kind === 'USER')?.value;
    expect(user).toBe('node');
  });

  test('the Dockerfile bounds memory as the local stack does, where it was measured', () => {
    const variables = dockerfile.stages.at(-1)!.steps.map(({ variables: given }) => given);
    expect(Object.assign({}, ...variables)).toMatchObject(memoryBounds);
  });
});
