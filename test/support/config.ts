import { readConfig, type Config } from '../../src/config.js';
import { localRanges } from '../../engines/broker.js';
import { endpoints } from './engines.js';

/**
 * The configuration that a broker on the tests' engines would read, whatever this process's environment says. `env`
 * adds variables; `overrides` replace parsed values.
 */
export function testConfig(overrides: Partial<Config> = {}, env: Record<string, string> = {}): Config {
  return { ...readConfig({ ...engineVariables(), ...env }), ...overrides };
}

/** Tests start and cancel many jobs of one wallet; tests of these limits set their own. */
export const unlimitedStarts = { MAX_STARTING_JOBS_PER_WALLET: '100000', MAX_UNREADY_STARTS_PER_HOUR: '100000' };

/** The environment variables of a broker on the tests' engines; for tests that start it as a process. */
export function engineVariables(): Record<string, string> {
  const { broker_redis: redis, postgres, temporal, temporal_namespace, broker_kubeconfig, kubernetes } = endpoints();
  return {
    ...unlimitedStarts,
    // Images of the internet are not asked for in tests.
    IMAGE_RESOLVE: 'off',
    PROVIDER_PRIVATE_CIDRS: localRanges,
    ...(redis === undefined ? {} : redisVariables(new URL(redis))),
    ...(postgres === undefined ? {} : postgresVariables(new URL(postgres))),
    ...(temporal === undefined ? {} : { TEMPORAL_ADDRESS: temporal }),
    ...(temporal_namespace === undefined ? {} : { TEMPORAL_NAMESPACE: temporal_namespace }),
    ...(broker_kubeconfig === undefined ? {} : { KUBECONFIG: broker_kubeconfig }),
    ...(kubernetes === undefined ? {} : kubernetesVariables(new URL(`https://${kubernetes}`))),
  };
}

function redisVariables(url: URL): Record<string, string> {
  return {
    REDIS_HOST: url.hostname,
    REDIS_PORT: url.port || '6379',
    REDIS_USERNAME: decodeURIComponent(url.username),
    REDIS_PASSWORD: decodeURIComponent(url.password),
    REDIS_TLS: String(url.protocol === 'rediss:'),
  };
}

function postgresVariables(url: URL): Record<string, string> {
  return {
    POSTGRES_HOST: url.hostname,
    POSTGRES_PORT: url.port || '5432',
    POSTGRES_DB: decodeURIComponent(url.pathname.slice(1)),
    POSTGRES_USER: decodeURIComponent(url.username),
    POSTGRES_PASSWORD: decodeURIComponent(url.password),
  };
}

function kubernetesVariables(url: URL): Record<string, string> {
  return { MASTER_PUBLIC_IP: url.hostname, MASTER_API_PORT: url.port || '443' };
}
