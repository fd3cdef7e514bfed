import { isAddress, parseGwei, parseUnits, type Address, type Hex } from 'viem';
import { z } from 'zod';
import type { Role } from './process.js';
import { isPublicKey, signingKey } from './signing-keys.js';
import { flag, list, whole } from './values.js';

const rpcUrls = list
  .refine((urls) => urls.every(isHttpUrl), 'must be URLs that begin with http:// or https://')
  .describe('list of URLs, separated by commas');

export const chainVariables = {
  /** Id of the chain that jobs are paid on. It is the default of `AUTH_CHAIN_IDS`. */
  BLOCKCHAIN_CHAIN_ID: z.coerce.number().int().positive().optional(),
  /**
   * Whether customers pay from deposits in a vault on a chain. It needs the next four variables and the id of the chain;
   * without it none of the following is read.
   */
  ENABLE_BLOCKCHAIN: flag(false),
  /**
   * JSON-RPC endpoints of nodes of the chain. A deposit counts when all of them report it, so name two of different
   * operators: with one alone, whoever runs that node can make up deposits. In production two hosts are required.
   */
  BLOCKCHAIN_RPC_URL: rpcUrls,
  /**
   * Address of the `RentalVault` that holds the deposits.
   */
  VAULT_ADDRESS: z
    .string()
    .refine((text) => isAddress(text, { strict: false }), 'must be an address: 0x and 40 hex digits')
    .transform((text) => text.toLowerCase() as Address)
    .describe('address')
    .optional(),
  /**
   * The operator's key of the vault: `0x` and 64 hex digits. It pays the gas of settlements. Only the role `worker` reads
   * it; mount it there as a file (`BACKEND_PRIVATE_KEY_FILE`), and use it for nothing else. Whoever has it can propose
   * wrong settlements, which the guardian has the vault's delay to veto.
   */
  BACKEND_PRIVATE_KEY: signingKey,
  /**
   * When a block counts as final: `finalized`, or the number of blocks that have to follow it, on chains whose nodes do
   * not say. Too few, and a reorganised chain takes back a deposit that was spent already.
   */
  CHAIN_FINALITY: z
    .string()
    .regex(/^(finalized|[1-9]\d{0,3})$/, 'must be finalized, or a number of blocks from 1 to 9999')
    .transform((text) => (text === 'finalized' ? text : Number(text)))
    .describe('`finalized`, or a number of blocks')
    .default('finalized'),
  /**
   * The most that a settlement may pay for a unit of gas, in gwei. While the chain asks for more, settlements wait, and
   * nothing else does. Low saves money and settles late; high pays whatever a congested chain asks for.
   */
  MAX_FEE_GWEI: z
    .string()
    .regex(/^(?!0+(\.0+)?$)\d{1,9}(\.\d{1,9})?$/, 'must be a number above 0')
    .describe('number above 0')
    .default('100'),
  /**
   * Seconds between two looks at the chain: at the vault's events, and at a settlement that is under way. Few show a
   * deposit sooner, and ask the nodes more often.
   */
  CHAIN_POLL_S: whole(15, 1, 300),
  /**
   * Hours between settlements. Each costs gas for every wallet whose total changed; a provider waits for his earnings for
   * this long, and for the vault's delay.
   */
  BATCH_INTERVAL_H: whole(24, 1, 168),
  /**
   * The least that is booked of a wallet's deposits, in tokens. Smaller ones wait until they come to this much: anybody
   * can send them, in anybody's name, and each would be a row for ever.
   */
  VAULT_LEAST_DEPOSIT: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,18})?$/, 'must be a number of tokens')
    .describe('number of tokens')
    .default('0.01'),
  /**
   * The block in which the vault was deployed, or one before it: its events are read from there on. 0 reads the whole
   * chain once, which takes hours where it has millions of blocks.
   */
  VAULT_FROM_BLOCK: whole(0, 0, Number.MAX_SAFE_INTEGER),
};

/**
 * The longest job of a site with a chain. A job is settled at its end: until then its provider relies on this broker, so
 * no job is longer than customers need to leave the vault.
 */
export const longestPrepaidJobS = 7 * 86_400;

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const always = ['BLOCKCHAIN_CHAIN_ID', 'ENABLE_BLOCKCHAIN'];
/** Whether a variable is read only where `ENABLE_BLOCKCHAIN` is set. */
export const isChainVariable = (name: string) => Object.hasOwn(chainVariables, name) && !always.includes(name);
/** The flag, before the environment is read. What is neither yes nor no is refused later. */
export const isOn = (value: string | undefined) => chainVariables.ENABLE_BLOCKCHAIN.safeParse(value || undefined).data;

type ChainVariables = z.output<z.ZodObject<typeof chainVariables>>;

/** When a block counts as final: as its node says, or this many blocks later. */
export type Finality = 'finalized' | number;

/** What a site with a chain has set. */
export interface ChainSettings {
  chainId: number;
  rpcUrls: readonly string[];
  vault: Address;
  /** Only workers have it. */
  operatorKey?: Hex;
  finality: Finality;
  maxFeeWei: bigint;
  batchIntervalH: number;
  /** Seconds between two looks at the chain. */
  pollS: number;
  /** Base units. */
  leastDeposit: bigint;
  fromBlock: number;
  isProduction: boolean;
}

/** The settings of the chain; undefined on a site without one. */
export function chainSettings(config: Readonly<ChainVariables & { NODE_ENV: string }>): ChainSettings | undefined {
  const { BLOCKCHAIN_CHAIN_ID: chainId, VAULT_ADDRESS: vault, BACKEND_PRIVATE_KEY: operatorKey } = config;
  if (!config.ENABLE_BLOCKCHAIN || chainId === undefined || vault === undefined) return undefined;
  return {
    chainId,
    vault,
    rpcUrls: config.BLOCKCHAIN_RPC_URL,
    ...(operatorKey === undefined ? {} : { operatorKey }),
    finality: config.CHAIN_FINALITY,
    maxFeeWei: parseGwei(config.MAX_FEE_GWEI),
    batchIntervalH: config.BATCH_INTERVAL_H,
    pollS: config.CHAIN_POLL_S,
    leastDeposit: parseUnits(config.VAULT_LEAST_DEPOSIT, 18),
    fromBlock: config.VAULT_FROM_BLOCK,
    isProduction: config.NODE_ENV === 'production',
  };
}

interface CheckedTogether extends ChainVariables {
  NODE_ENV: string;
  RECEIPT_PRIVATE_KEY?: Hex | undefined;
  BROKER_ROLES: readonly Role[];
}

/** What is missing or contradicts, one sentence each. No value is repeated. */
export function chainProblems(config: CheckedTogether): string[] {
  if (!config.ENABLE_BLOCKCHAIN) return [];
  const isWorker = config.BROKER_ROLES.length === 0 || config.BROKER_ROLES.includes('worker');
  const hosts = new Set(config.BLOCKCHAIN_RPC_URL.map((url) => new URL(url).hostname));
  const isProduction = config.NODE_ENV === 'production';
  const checks: [boolean, string][] = [
    [config.BLOCKCHAIN_RPC_URL.length === 0, 'BLOCKCHAIN_RPC_URL: name at least one node of the chain'],
    [config.BLOCKCHAIN_CHAIN_ID === undefined, 'BLOCKCHAIN_CHAIN_ID: name the chain that the vault is on'],
    [config.VAULT_ADDRESS === undefined, 'VAULT_ADDRESS: deploy a RentalVault and name its address'],
    [
      isWorker && config.BACKEND_PRIVATE_KEY === undefined,
      'BACKEND_PRIVATE_KEY: the role worker needs the key of the vault’s operator; mount it as BACKEND_PRIVATE_KEY_FILE',
    ],
    [
      isWorker && config.RECEIPT_PRIVATE_KEY === undefined,
      'RECEIPT_PRIVATE_KEY: the role worker needs a key that signs receipts, because a guardian vetoes what they do not explain; mount it as RECEIPT_PRIVATE_KEY_FILE',
    ],
    [
      isProduction && config.BLOCKCHAIN_RPC_URL.length > 0 && hosts.size < 2,
      'BLOCKCHAIN_RPC_URL: in production name nodes on two hosts or more, because a single one could make up deposits',
    ],
    [
      isProduction && isPublicKey(config.BACKEND_PRIVATE_KEY),
      'BACKEND_PRIVATE_KEY: everybody knows this key, of test chains: make another one',
    ],
    [
      config.BACKEND_PRIVATE_KEY !== undefined && config.BACKEND_PRIVATE_KEY === config.RECEIPT_PRIVATE_KEY,
      'BACKEND_PRIVATE_KEY: it signs receipts, too: make another key for one of the two',
    ],
  ];
  return checks.flatMap(([isWrong, sentence]) => (isWrong ? [sentence] : []));
}
