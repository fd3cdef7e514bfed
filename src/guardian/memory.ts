import { join } from 'node:path';
import type { Address, Hex } from 'viem';
import { z } from 'zod';
import { nothingSeen } from '../domain/receipt-totals.js';
import type { GuardianSettings } from './config.js';
import { SetupError } from './config.js';
import { keptFile, type KeptFile } from './kept-file.js';

const amount = z
  .string()
  .regex(/^-?\d{1,78}$/)
  .transform(BigInt);
const wallet = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/)
  .transform((text) => text as Address);
const bytes32 = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .transform((text) => text as Hex);
const hex = z
  .string()
  .regex(/^0x[0-9a-f]*$/)
  .transform((text) => text as Hex);

const seen = z.strictObject({
  customers: z.record(wallet, z.strictObject({ number: z.int().min(1), digest: bytes32, charged: amount })),
  payees: z.record(wallet, amount),
  unnamed: z.record(z.string(), z.strictObject({ earned: amount, refunded: amount })),
  jobs: z.record(z.string(), z.strictObject({ issuedAtMs: z.int(), revision: z.int().min(0), charged: amount })),
});

const decision = z.strictObject({
  number: z.int().min(1),
  hash: bytes32,
  verdict: z.enum(['approved', 'vetoed']),
  atMs: z.int(),
  reasons: z.array(z.string()),
});

const sent = z.object({
  purpose: z.string(),
  data: hex,
  nonce: z.int().min(0),
  gas: amount,
  /** The least gas that it was signed for, too. */
  leastGas: amount.optional(),
  /** Hosts of the nodes that said that the vault would take it, where not all did. */
  supporters: z.array(z.string()).optional(),
  /** How often it was signed anew, for more, because it was not mined in time. */
  rounds: z.int().min(0).default(0),
  /** What was signed for it last; the first one offers most. */
  raw: z.array(hex).min(1),
  signedAtMs: z.int(),
});

const memory = z.strictObject({
  version: z.literal(1),
  chainId: z.int().min(1),
  vault: wallet,
  seen,
  /** The last settlement that was approved, and when it was cut. */
  approved: z.strictObject({ number: z.int().min(1), hash: bytes32, cutAtMs: z.int() }).optional(),
  /** The last ones, oldest first. */
  decisions: z.array(decision),
  /** What was executed before this guardian first looked. */
  since: z.int().min(0).optional(),
  /** Settlements that were executed and that this guardian had not approved. */
  unchecked: z.array(z.int()),
  sent: z.array(sent),
  /** How many transactions of its wallet were mined, and how many nonces were first signed for since. */
  walletCount: z.strictObject({ agreed: z.int().min(0), signedSince: z.int().min(0) }).optional(),
  /** What was signed on the word of some nodes alone, in the last day. */
  disputed: z.array(z.strictObject({ node: z.string(), purpose: z.string(), atMs: z.int() })).default([]),
  /** What all nodes said of the vault when this guardian, with this key, first started. */
  facts: z.strictObject({ guardian: wallet, scale: amount, batchDelayS: z.int().min(0) }).optional(),
});

export type Memory = z.output<typeof memory>;
export type Decision = z.output<typeof decision>;
export type SentCall = z.output<typeof sent>;

/** Far more than are ever open at a time. */
const decisionsKept = 200;

/** What the guardian remembers from one look to the next, and over its restarts. */
export interface MemoryBox {
  readonly now: Memory;
  /** Changes it, and writes it down before anything else happens. */
  change(to: Partial<Memory>): void;
  decide(decision: Decision, also?: Partial<Memory>): void;
}

/** What a sender needs of it. */
export interface SendersMemory {
  readonly now: SendersPart;
  change(to: Partial<SendersPart>): void;
}

type SendersPart = Pick<Memory, 'sent' | 'walletCount' | 'disputed'>;

/** @throws SetupError where the file is damaged, or of another vault. */
export function openMemory({
  dataDir,
  chainId,
  vault,
}: Pick<GuardianSettings, 'dataDir' | 'chainId' | 'vault'>): MemoryBox {
  const file: KeptFile<Memory> = keptFile(join(dataDir, 'memory.json'), memory);
  const fresh: Memory = {
    ...{ version: 1, chainId, vault, seen: nothingSeen },
    ...{ decisions: [], unchecked: [], sent: [], disputed: [] },
  };
  let now = file.read() ?? fresh;
  if (now.chainId !== chainId || now.vault !== vault)
    throw new SetupError(
      `GUARDIAN_DATA (${dataDir}) is of the vault ${now.vault} on chain ${now.chainId}: name another folder`,
    );
  const change = (to: Partial<Memory>) => {
    const next = { ...now, ...to };
    file.write(next);
    now = next;
  };
  return {
    get now() {
      return now;
    },
    change,
    decide(decided, also = {}) {
      const others = now.decisions.filter(({ number, hash }) => number !== decided.number || hash !== decided.hash);
      change({ ...also, decisions: [...others, decided].slice(-decisionsKept) });
    },
  };
}

/** Of a process that sends by hand: it remembers only what it sends itself, and writes nothing down. */
export function memoryOfNow(): SendersMemory {
  let now: SendersPart = { sent: [], disputed: [] };
  return {
    get now() {
      return now;
    },
    change: (to) => void (now = { ...now, ...to }),
  };
}
