import { readFileSync } from 'node:fs';
import { isAddress, parseGwei, type Address, type Hex } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { z } from 'zod';
import { isPublicKey, signingKey } from '../config/signing-keys.js';
import { list, port, whole } from '../config/values.js';
import type { TrustedIssuer } from '../domain/trusted-receipt.js';

/** The guardian cannot work like this. The message says what is wrong and what to do; it repeats no secret. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

const isHttpUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

const variables = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('production'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  GUARDIAN_RPC_URL: list.refine((urls) => urls.every(isHttpUrl), 'must be URLs that begin with http:// or https://'),
  GUARDIAN_CHAIN_ID: z.coerce.number().int().positive(),
  GUARDIAN_VAULT: z
    .string()
    .refine((text) => isAddress(text, { strict: false }), 'must be an address: 0x and 40 hex digits')
    .transform((text) => text.toLowerCase() as Address),
  GUARDIAN_PRIVATE_KEY: signingKey,
  GUARDIAN_BROKER_URL: z.string().refine(isHttpUrl, 'must be a URL that begins with http:// or https://'),
  GUARDIAN_BROKER_AUDIENCE: z
    .url({ protocol: /^https?$/ })
    .transform((value) => new URL(value).origin)
    .optional(),
  GUARDIAN_RECEIPT_CHAIN_ID: z.coerce.number().int().positive().optional(),
  GUARDIAN_DATA: z.string().min(1),
  GUARDIAN_POLL_S: whole(15, 1, 600),
  GUARDIAN_MARGIN_S: whole(3_600, 1, 86_400),
  GUARDIAN_MAX_FEE_GWEI: z
    .string()
    .regex(/^(?!0+(\.0+)?$)\d{1,9}(\.\d{1,9})?$/, 'must be a number above 0')
    .default('1000'),
  GUARDIAN_STATUS_HOST: z.string().min(1).default('127.0.0.1'),
  GUARDIAN_STATUS_PORT: port(9_470),
});

export interface GuardianSettings {
  isProduction: boolean;
  logLevel: z.output<typeof variables>['LOG_LEVEL'];
  rpcUrls: readonly string[];
  chainId: number;
  vault: Address;
  key: Hex;
  address: Address;
  brokerUrl: string;
  /** Whose receipts count, but for the keys, which are approved one by one. */
  issuer: Omit<TrustedIssuer, 'keys'>;
  dataDir: string;
  pollS: number;
  /** So long before a settlement can be executed, what is not explained is vetoed. */
  marginS: number;
  maxFeeWei: bigint;
  status: { METRICS_HOST: string; METRICS_PORT: number };
}

/** What a broker's host has, and a guardian's must not: whoever breaks into one must not have both. */
const ofTheBroker = ['BACKEND_PRIVATE_KEY', 'RECEIPT_PRIVATE_KEY', 'POSTGRES_PASSWORD', 'POSTGRES_HOST'];

/**
 * Reads the guardian's environment. An empty variable counts as absent; `NAME_FILE` gives the value of `NAME` from a file.
 *
 * @throws SetupError naming everything that is wrong.
 */
export function readGuardianSettings(env: NodeJS.ProcessEnv): GuardianSettings {
  const given = Object.fromEntries(
    Object.keys(variables.shape).flatMap((name) => {
      const value = env[name] || fileText(name, env[`${name}_FILE`]);
      return value === undefined || value === '' ? [] : [[name, value] as const];
    }),
  );
  const parsed = variables.safeParse(given);
  const problems = parsed.success
    ? problemsTogether(parsed.data, env)
    : parsed.error.issues.map(({ path, message }) => {
        const name = path.join('.');
        return Object.hasOwn(given, name)
          ? `${name}: ${message}`
          : `${name}: is missing; docs/guardian.md says what it is`;
      });
  if (!parsed.success || problems.length > 0)
    throw new SetupError(`The guardian's environment is not acceptable:\n  ${problems.join('\n  ')}`);
  const read = parsed.data;
  const key = read.GUARDIAN_PRIVATE_KEY!;
  return {
    isProduction: read.NODE_ENV === 'production',
    logLevel: read.LOG_LEVEL,
    rpcUrls: read.GUARDIAN_RPC_URL,
    chainId: read.GUARDIAN_CHAIN_ID,
    vault: read.GUARDIAN_VAULT,
    key,
    address: privateKeyToAddress(key).toLowerCase() as Address,
    brokerUrl: read.GUARDIAN_BROKER_URL,
    issuer: {
      audience: read.GUARDIAN_BROKER_AUDIENCE ?? new URL(read.GUARDIAN_BROKER_URL).origin,
      chainId: read.GUARDIAN_RECEIPT_CHAIN_ID ?? read.GUARDIAN_CHAIN_ID,
    },
    dataDir: read.GUARDIAN_DATA,
    pollS: read.GUARDIAN_POLL_S,
    marginS: read.GUARDIAN_MARGIN_S,
    maxFeeWei: parseGwei(read.GUARDIAN_MAX_FEE_GWEI),
    status: { METRICS_HOST: read.GUARDIAN_STATUS_HOST, METRICS_PORT: read.GUARDIAN_STATUS_PORT },
  };
}

function problemsTogether(read: z.output<typeof variables>, env: NodeJS.ProcessEnv): string[] {
  const isProduction = read.NODE_ENV === 'production';
  const hosts = new Set(read.GUARDIAN_RPC_URL.map((url) => new URL(url).hostname));
  const isTold = (name: string) => (env[name] ?? env[`${name}_FILE`] ?? '') !== '';
  const foreign = ofTheBroker.filter(isTold);
  const checks: [boolean, string][] = [
    [
      read.GUARDIAN_PRIVATE_KEY === undefined,
      'GUARDIAN_PRIVATE_KEY: give the guardian’s key; mount it as GUARDIAN_PRIVATE_KEY_FILE',
    ],
    [
      read.GUARDIAN_RPC_URL.length < 2,
      'GUARDIAN_RPC_URL: name two nodes of the chain, separated by a comma: what one alone says is not believed',
    ],
    [
      isProduction && read.GUARDIAN_RPC_URL.length >= 2 && hosts.size < 2,
      'GUARDIAN_RPC_URL: in production name nodes on two hosts or more',
    ],
    [
      isProduction && isPublicKey(read.GUARDIAN_PRIVATE_KEY),
      'GUARDIAN_PRIVATE_KEY: everybody knows this key, of test chains: make another one',
    ],
    [
      isProduction && foreign.length > 0,
      `${foreign.join(', ')}: these are of the broker: run the guardian on a host of its own, which has none of them`,
    ],
    [
      isProduction && new URL(read.GUARDIAN_BROKER_URL).protocol === 'http:',
      'GUARDIAN_BROKER_URL: in production it begins with https://',
    ],
  ];
  return checks.flatMap(([isWrong, sentence]) => (isWrong ? [sentence] : []));
}

function fileText(name: string, path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new SetupError(`${name}_FILE: cannot be read`, { cause: error });
  }
}
