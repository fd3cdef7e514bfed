import { readFileSync } from 'node:fs';
import { environment, type Environment } from './config/environment.js';
import { roles, type Role } from './config/process.js';
import { chainProblems, isChainVariable, isOn, longestPrepaidJobS } from './config/chain.js';
import { isOfThisMachine } from './closed-addresses.js';
import { isPublicKey } from './config/signing-keys.js';
import { readTls, type TlsWorkedOut } from './tls-settings.js';

export { roles, type Role };

/** The configuration of one process: the environment, and values that follow from several variables. */
export type Config = Readonly<Omit<Environment, keyof WorkedOut>> & WorkedOut;

interface WorkedOut extends TlsWorkedOut {
  readonly BROKER_ROLES: readonly Role[];
  readonly AUTH_CHAIN_IDS: readonly number[];
  readonly TEMPORAL_UPKEEP_NAMESPACE: string;
  readonly ALLOW_FREE_JOBS: boolean;
}

/** The operator's settings for prices. */
export type SitePrices = Pick<Config, 'ALLOW_FREE_JOBS' | 'GPU_DEFAULT_PRICES'>;

/** The platform's share of what jobs cost. */
export type SiteFee = Pick<Config, 'FEE_BPS'>;

/** An unusable environment. The message names every variable at fault and never repeats a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration. An empty variable counts as absent; `NAME_FILE` gives the value of `NAME` from a file, for
 * secrets that are mounted.
 *
 * @throws ConfigError naming each invalid variable.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, string> = {};
  const isOnChain = isOn(env['ENABLE_BLOCKCHAIN']);
  for (const name of Object.keys(environment.shape)) {
    // Sites without a chain have such variables from other programs, and no use for the key.
    if (!isOnChain && isChainVariable(name)) continue;
    const value = env[name] ?? readSecretFile(name, env[`${name}_FILE`]);
    if (value !== undefined && value !== '') given[name] = value;
  }
  const result = environment.safeParse(given);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`The environment is not acceptable:\n  ${problems.join('\n  ')}`);
  }
  const config = result.data;
  if (config.NODE_ENV === 'production') {
    if (env['AUTH_AUDIENCE'] === undefined) throw new ConfigError('AUTH_AUDIENCE: required in production');
    if (isPublicKey(config.RECEIPT_PRIVATE_KEY)) {
      throw new ConfigError('RECEIPT_PRIVATE_KEY: everybody knows this key, of test chains: make another one');
    }
    if (config.PROVIDER_AUTH_MODE === 'off' && !config.ALLOW_INSECURE_PROVIDERS) {
      throw new ConfigError('PROVIDER_AUTH_MODE: off needs ALLOW_INSECURE_PROVIDERS=true in production');
    }
    if (config.PROVIDER_PRIVATE_CIDRS.some(isOfThisMachine)) {
      throw new ConfigError(
        'PROVIDER_PRIVATE_CIDRS: no loopback in production, which is the host of the broker itself',
      );
    }
  }
  if (config.AUTH_SMART_WALLETS && config.AUTH_RPC_URL === undefined) {
    throw new ConfigError('AUTH_RPC_URL: required with AUTH_SMART_WALLETS');
  }
  const { tls, problems } = readTls(config);
  if (problems.length > 0) throw new ConfigError(`The environment is not acceptable:\n  ${problems.join('\n  ')}`);
  const ofChain = chainProblems(config);
  if (ofChain.length > 0)
    throw new ConfigError(`ENABLE_BLOCKCHAIN is set, and this is wrong:\n  ${ofChain.join('\n  ')}`);
  const canAuthorize = config.AUTHORIZER_TLS_CERT !== undefined;
  if (config.BROKER_ROLES.includes('authorizer') && !canAuthorize) {
    throw new ConfigError('AUTHORIZER_TLS_CERT: required for the role authorizer');
  }
  const byDefault = roles.filter((role) => role !== 'authorizer' || canAuthorize);
  const chainIds = config.AUTH_CHAIN_IDS.length > 0 ? config.AUTH_CHAIN_IDS : [config.BLOCKCHAIN_CHAIN_ID ?? 1];
  return Object.freeze({
    ...config,
    ...tls,
    BROKER_ROLES: config.BROKER_ROLES.length > 0 ? config.BROKER_ROLES : byDefault,
    AUTH_CHAIN_IDS: chainIds,
    TEMPORAL_UPKEEP_NAMESPACE: config.TEMPORAL_UPKEEP_NAMESPACE ?? `${config.TEMPORAL_NAMESPACE}-upkeep`,
    JOB_MAX_DURATION_S: config.ENABLE_BLOCKCHAIN
      ? Math.min(config.JOB_MAX_DURATION_S, longestPrepaidJobS)
      : config.JOB_MAX_DURATION_S,
    ALLOW_FREE_JOBS: config.ALLOW_FREE_JOBS ?? config.NODE_ENV !== 'production',
  });
}

function readSecretFile(name: string, path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`${name}_FILE: cannot be read`, { cause: error });
  }
}
