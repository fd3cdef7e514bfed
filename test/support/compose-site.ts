import { appendFileSync, chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { login, type Session } from '../../src/client/session.js';
import { startContainerEngine, type ContainerEngine } from '../../engines/containers/container-engine.js';
import { findContainerPackages } from '../../engines/containers/packages.js';
import { baseImages, makeStandIns } from '../../engines/containers/stand-ins.js';
import { kubeconfigOf } from '../../engines/kubernetes/broker-account.js';
import type { Log } from '../../engines/log.js';
import { packageRoot } from '../../engines/paths.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { documentedSettingsFile } from './documented-commands.js';

/** As a wallet signs it; nothing listens there. */
const audience = 'https://broker.example.com';
/** The account in the image. */
const uid = 1000;
/** What a checkout has besides what was committed, and what no image is built from. */
const left = ['node_modules', 'dist', '.git', '.data', 'coverage', 'test-artifacts', '.env', 'test', 'engines'];

export const roles = ['api', 'worker', 'relay', 'watcher'] as const;
export type Role = (typeof roles)[number];

/** A container, as `docker inspect` describes it. */
export interface Container {
  Id: string;
  /** The id of the image that it was made from. */
  Image: string;
  Name: string;
  Config: { Image: string; User: string; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    CapAdd: string[] | null;
    Privileged: boolean;
    PortBindings: Record<string, unknown> | null;
    SecurityOpt: string[] | null;
  };
  RestartCount: number;
  State: { Status: string; ExitCode: number; StartedAt: string; Health?: { Status: string } };
}

/** An operator's machine: the checkout, an `.env` beside docker-compose.yml, and a cluster elsewhere. */
export interface ComposeSite {
  engine: ContainerEngine;
  cluster: Stack;
  /** The kubeconfig that the containers get. */
  kubeconfig: KubeConfig;
  /** The API, for programs outside. */
  api: string;
  /** Runs `docker compose` in the checkout. */
  compose(...args: string[]): Promise<string>;
  /** Runs commands in the checkout, as an operator does, until one fails; returns what they print. */
  shell(commands: string, variables?: Record<string, string>): Promise<string>;
  /** Writes `docker-compose.override.yml`. */
  override(settings: object): void;
  /** Adds a line to the Dockerfile of the checkout, so that the next image differs from this one. */
  changeImage(line: string): void;
  /** The containers of the site, those that have ended included, by service; those of `docker compose run` by name. */
  containers(): Promise<Record<string, Container>>;
  /** Runs a shell command in a role's container, as the role itself is run. */
  inside(role: Role, command: string): Promise<string>;
  customer(): Promise<Session>;
  provider(providerId: string): SimulatedProvider;
  /** Removes it with all that it had on this machine. */
  remove(): Promise<void>;
}

/** Everything that an operator has before the first `docker compose up`, the images of the internet included. */
export async function prepareComposeSite(log: Log): Promise<ComposeSite> {
  const env = process.env;
  const packages = await findContainerPackages(log, env);
  const folder = mkdtempSync(join(tmpdir(), 'broker-compose-'));
  const engine = await startContainerEngine({ folder, packages, log, env });
  let cluster: Stack | undefined;
  try {
    cluster = await startStack({ dataDir: join(folder, 'cluster'), engines: ['kubernetes'], log });
    const checkout = join(folder, 'checkout');
    cpSync(packageRoot, checkout, {
      recursive: true,
      filter: (path) => !left.includes(relative(packageRoot, path)),
    });
    const { kubeconfig: admin, broker_kubeconfig: broker, kubernetes } = cluster.endpoints();
    const files = { broker: broker!, 'broker-api': await kubeconfigOf(admin!, { ...apiAccount }) };
    for (const [account, file] of Object.entries(files))
      give(join(checkout, `${account}.kubeconfig`), reachable(file, kubernetes!).exportConfig());
    give(join(checkout, 'receipt.key'), generatePrivateKey().slice(2));
    writeFileSync(join(checkout, '.env'), settings(engine.address, kubernetes!));
    const site = composeSite({ engine, cluster, checkout, kubeconfig: reachable(broker!, kubernetes!) });
    const names = (await site.compose('config', '--images')).split('\n').filter((name) => name.includes(':'));
    await makeStandIns(engine, [...names, ...baseImages()], log, env);
    return site;
  } catch (error) {
    await cluster?.stop();
    await engine.stop();
    throw error;
  }
}

const apiAccount = { name: 'broker-api', namespace: 'worldland-system' };
/** Made for this run: nobody else knows the network of the site. */
const agentPassword = generatePrivateKey().slice(2, 34);

/** What docs/deploy.md has an operator write, and where this machine reaches the published ports. */
function settings(address: string, kubernetes: string): string {
  const [host, port] = kubernetes.split(':') as [string, string];
  const lines = {
    POSTGRES_PASSWORD: generatePrivateKey().slice(2, 50),
    REDIS_PASSWORD: generatePrivateKey().slice(2, 50),
    REDIS_PROVIDER_PASSWORD: agentPassword,
    REDIS_OPERATOR_PASSWORD: generatePrivateKey().slice(2, 50),
    AUTH_AUDIENCE: audience,
    MASTER_PUBLIC_IP: host,
    MASTER_API_PORT: port,
    BROKER_KUBECONFIG: './broker.kubeconfig',
    BROKER_API_KUBECONFIG: './broker-api.kubeconfig',
    RECEIPT_KEY_FILE: './receipt.key',
    SSH_SERVER_IMAGE: 'registry.example.com/ssh-server:1',
    ADMIN_WALLETS: privateKeyToAccount(generatePrivateKey()).address,
    TRUST_PROXY: 'true',
    API_LISTEN: `${address}:8080`,
    REDIS_LISTEN: `${address}:6379`,
    // The site reaches no internet, and its machines are made up.
    IMAGE_RESOLVE: 'off',
    PROVIDER_PRIVATE_CIDRS: '198.18.0.0/15',
    ALLOW_FREE_JOBS: 'true',
  };
  const unset = documentedSettings().filter((name) => !(name in lines));
  if (unset.length > 0) throw new Error(`docs/deploy.md sets ${unset.join(', ')}, which the test does not`);
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The variables of the `.env` in docs/deploy.md. */
function documentedSettings(): string[] {
  return [...documentedSettingsFile().matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name!);
}

/** A kubeconfig with the address that providers use, instead of the loopback address of this machine. */
function reachable(file: string, kubernetes: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(file);
  const { caData, caFile, ...cluster } = config.getCurrentCluster()!;
  const ca = caData ?? readFileSync(caFile!).toString('base64');
  const user = config.getCurrentUser()!;
  config.loadFromClusterAndUser({ ...cluster, caData: ca, server: `https://${kubernetes}` }, user);
  return config;
}

/** Writes a secret that only the account in the containers can read. */
function give(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o400);
  chownSync(file, uid, uid);
}

const serviceOf = ({ Config: { Labels } }: Container) =>
  Labels['com.docker.compose.oneoff'] === 'True' ? undefined : Labels['com.docker.compose.service'];

type Parts = Pick<ComposeSite, 'engine' | 'cluster' | 'kubeconfig'> & { checkout: string };

function composeSite({ engine, cluster, kubeconfig, checkout }: Parts): ComposeSite {
  const api = `http://${engine.address}:8080`;
  const providers: SimulatedProvider[] = [];
  let removed: Promise<void> | undefined;
  const remove = async () => {
    await Promise.all(providers.map((provider) => provider.stop()));
    await cluster.stop();
    await engine.stop();
  };
  const compose = (...args: string[]) =>
    engine.docker(['compose', ...args], { cwd: checkout, what: `docker compose ${args.join(' ')}` });
  return {
    ...{ engine, cluster, kubeconfig, api, compose },
    shell: (commands, variables = {}) =>
      engine.shell(`set -eo pipefail\n${commands}`, { cwd: checkout, what: commands, env: variables }),
    // YAML that has no more than JSON has.
    override: (settings) => writeFileSync(join(checkout, 'docker-compose.override.yml'), JSON.stringify(settings)),
    changeImage: (line) => appendFileSync(join(checkout, 'Dockerfile'), `${line}\n`),
    async containers() {
      const ids = (await engine.docker(['ps', '--all', '--quiet'])).split('\n').filter(Boolean);
      if (ids.length === 0) return {};
      const all = JSON.parse(await engine.docker(['inspect', ...ids])) as Container[];
      return Object.fromEntries(all.map((one) => [serviceOf(one) ?? one.Name, one]));
    },
    inside: (role, command) => compose('exec', '--no-TTY', role, 'sh', '-c', command),
    customer: () =>
      login({ api, audience, account: privateKeyToAccount(generatePrivateKey()), spendLimit: 10n ** 24n }),
    provider(providerId) {
      const redisUrl = `redis://:${agentPassword}@${engine.address}:6379`;
      const provider = startSimulatedProvider({ redisUrl, providerId, signAs: { audience } });
      providers.push(provider);
      return provider;
    },
    remove: () => (removed ??= remove()),
  };
}
