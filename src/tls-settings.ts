import { createPrivateKey, X509Certificate } from 'node:crypto';

type SslMode = 'disable' | 'require' | 'verify-full';

type Pem = 'CA' | 'CERT' | 'KEY';
type Prefix = 'REDIS_TLS' | 'POSTGRES_SSL' | 'TEMPORAL_TLS' | 'AUTHORIZER_TLS';

/** The environment's TLS variables. */
type TlsEnvironment = Partial<Record<`${Prefix}_${Pem}`, string | undefined>> & {
  REDIS_TLS?: boolean | undefined;
  POSTGRES_SSL_MODE?: SslMode | undefined;
  TEMPORAL_TLS?: boolean | undefined;
  TEMPORAL_TLS_SERVER_NAME?: string | undefined;
  TEMPORAL_API_KEY?: string | undefined;
  AUTHORIZER_CLIENT_CA?: string | undefined;
};

/** The values that follow from them. */
export interface TlsWorkedOut {
  readonly REDIS_TLS: boolean;
  readonly POSTGRES_SSL_MODE: SslMode;
  readonly TEMPORAL_TLS: boolean;
}

/**
 * Works out where TLS is on, and finds contradictions: a credential that would be sent unencrypted, or a check that
 * would never be made. The problems are sentences that begin with the variable and never repeat a value.
 */
export function readTls(env: TlsEnvironment): { tls: TlsWorkedOut; problems: string[] } {
  const { POSTGRES_SSL_MODE: mode, TEMPORAL_TLS_SERVER_NAME: serverName, TEMPORAL_API_KEY: apiKey } = env;
  const problems: string[] = [];
  const isOn = (
    prefix: Prefix,
    said: boolean | undefined,
    others: Record<string, string | undefined> = {},
  ): boolean => {
    problems.push(...pairProblems(env, prefix));
    const pem = (['CA', 'CERT', 'KEY'] as const).map(
      (part) => [`${prefix}_${part}`, env[`${prefix}_${part}`]] as const,
    );
    const given = [...pem, ...Object.entries(others)].filter(([, value]) => value !== undefined);
    if (said === false && given[0] !== undefined) problems.push(`${given[0][0]}: is of no use while TLS is off`);
    return said ?? given.length > 0;
  };
  const tls: TlsWorkedOut = {
    REDIS_TLS: isOn('REDIS_TLS', env.REDIS_TLS),
    POSTGRES_SSL_MODE: isOn('POSTGRES_SSL', mode && mode !== 'disable') ? (mode ?? 'verify-full') : 'disable',
    TEMPORAL_TLS: isOn('TEMPORAL_TLS', env.TEMPORAL_TLS, {
      TEMPORAL_TLS_SERVER_NAME: serverName,
      TEMPORAL_API_KEY: apiKey,
    }),
  };
  problems.push(...pairProblems(env, 'AUTHORIZER_TLS'));
  if ((env.AUTHORIZER_TLS_CERT === undefined) !== (env.AUTHORIZER_CLIENT_CA === undefined)) {
    const [missing, given] =
      env.AUTHORIZER_TLS_CERT === undefined
        ? ['AUTHORIZER_TLS_CERT', 'AUTHORIZER_CLIENT_CA']
        : ['AUTHORIZER_CLIENT_CA', 'AUTHORIZER_TLS_CERT'];
    problems.push(`${missing}: required with ${given}`);
  }
  if (mode === 'require' && env.POSTGRES_SSL_CA !== undefined) {
    problems.push('POSTGRES_SSL_MODE: only verify-full uses POSTGRES_SSL_CA');
  }
  return { tls, problems };
}

function pairProblems(env: TlsEnvironment, prefix: Prefix): string[] {
  const [cert, key] = [env[`${prefix}_CERT`], env[`${prefix}_KEY`]];
  if (cert === undefined && key === undefined) return [];
  if (cert === undefined) return [`${prefix}_CERT: required with ${prefix}_KEY`];
  if (key === undefined) return [`${prefix}_KEY: required with ${prefix}_CERT`];
  const belongs = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  return belongs ? [] : [`${prefix}_KEY: is not the key of ${prefix}_CERT`];
}

const tlsCodes =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$|PATH_LENGTH_)/;

/** Whether two sides failed to authenticate each other: a certificate was rejected, or a required one is missing. */
export function isTlsTrouble(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && tlsCodes.test(code);
}
