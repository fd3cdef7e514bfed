import { hashTypedData, zeroAddress, zeroHash, type Address, type Hex } from 'viem';
import { domainType } from './typed-data-domain.js';

/**
 * What the broker signs about a job that it has settled (EIP-712). The order of the fields is part of the type: another
 * order is another type, and receipts in the field would no longer verify.
 */
export const receiptTypes = {
  JobReceipt: [
    { name: 'audience', type: 'string' },
    { name: 'customer', type: 'address' },
    { name: 'number', type: 'uint64' },
    { name: 'previous', type: 'bytes32' },
    { name: 'jobId', type: 'string' },
    { name: 'revision', type: 'uint32' },
    { name: 'orderHash', type: 'bytes32' },
    { name: 'providerId', type: 'string' },
    { name: 'payee', type: 'address' },
    { name: 'resources', type: 'string' },
    { name: 'ratePerHour', type: 'uint256' },
    { name: 'readyAtMs', type: 'uint64' },
    { name: 'servedUntilMs', type: 'uint64' },
    { name: 'gaps', type: 'Gap[]' },
    { name: 'billedMs', type: 'uint64' },
    { name: 'reserved', type: 'uint256' },
    { name: 'charged', type: 'uint256' },
    { name: 'feeBps', type: 'uint16' },
    { name: 'fee', type: 'uint256' },
    { name: 'earned', type: 'uint256' },
    { name: 'outcome', type: 'string' },
    { name: 'issuedAtMs', type: 'uint64' },
  ],
  Gap: [
    { name: 'fromMs', type: 'uint64' },
    { name: 'toMs', type: 'uint64' },
  ],
} as const;

/** A receipt. Amounts are in base units, times in Unix milliseconds; addresses in lower case. */
export interface JobReceipt {
  /** The broker's public origin. */
  audience: string;
  customer: Address;
  /** Counts the receipts of this customer from 1, without a hole. */
  number: number;
  /** The digest of this customer's receipt before; zero in the first one. */
  previous: Hex;
  jobId: string;
  /** 0 for the settlement; each refund issues the next one, with the corrected totals. */
  revision: number;
  /** The SHA-256 of the order. */
  orderHash: Hex;
  providerId: string;
  /** Who earns; zero while nobody has proven to own the provider. */
  payee: Address;
  /** What was rented, as `canonicalResources` writes it. */
  resources: string;
  ratePerHour: bigint;
  readyAtMs: number;
  servedUntilMs: number;
  /** When the provider did not serve the job: in order, apart from each other, and within the time of service. */
  gaps: { fromMs: number; toMs: number }[];
  billedMs: number;
  reserved: bigint;
  charged: bigint;
  feeBps: number;
  fee: bigint;
  earned: bigint;
  /** The final status of the job. */
  outcome: string;
  issuedAtMs: number;
}

/** `previous` of a customer's first receipt. */
export const noReceipt = zeroHash;
/** `payee` while nobody is known. */
export const noPayee = zeroAddress;

/** No contract lives at the zero address, so no receipt is ever valid for a contract. */
export function receiptDomain(chain: number) {
  return { name: 'WorldLand Receipt', version: '1', chainId: chain, verifyingContract: zeroAddress } as const;
}

/** With the values in the types that viem takes. */
export function receiptTypedData(receipt: JobReceipt, chain: number) {
  return {
    domain: receiptDomain(chain),
    types: receiptTypes,
    primaryType: 'JobReceipt',
    message: {
      ...receipt,
      number: BigInt(receipt.number),
      readyAtMs: BigInt(receipt.readyAtMs),
      servedUntilMs: BigInt(receipt.servedUntilMs),
      gaps: receipt.gaps.map(({ fromMs, toMs }) => ({ fromMs: BigInt(fromMs), toMs: BigInt(toMs) })),
      billedMs: BigInt(receipt.billedMs),
      issuedAtMs: BigInt(receipt.issuedAtMs),
    },
  } as const;
}

export function receiptDigest(receipt: JobReceipt, chain: number): Hex {
  return hashTypedData(receiptTypedData(receipt, chain));
}

/** The message as JSON: amounts are decimal strings, because a JSON number would lose digits. */
export function receiptMessage(receipt: JobReceipt) {
  const { ratePerHour, reserved, charged, fee, earned } = receipt;
  return {
    ...receipt,
    ratePerHour: ratePerHour.toString(),
    reserved: reserved.toString(),
    charged: charged.toString(),
    fee: fee.toString(),
    earned: earned.toString(),
  };
}

/** The receipt as JSON, in the form of `eth_signTypedData_v4`. */
export function receiptAsTypedData(receipt: JobReceipt, chain: number) {
  return {
    types: { EIP712Domain: domainType, ...receiptTypes },
    primaryType: 'JobReceipt' as const,
    domain: receiptDomain(chain),
    message: receiptMessage(receipt),
  };
}

/**
 * Reads a message as JSON has it. Whoever wrote it, what this returns can be hashed; a field too many is refused, for it
 * would not be signed.
 */
export function readReceipt(message: unknown): JobReceipt | undefined {
  return readStruct(receiptTypes.JobReceipt, message) as JobReceipt | undefined;
}

type Field = { readonly name: string; readonly type: string };

function readStruct(fields: readonly Field[], value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Record<string, unknown>;
  const read = fields.map(({ name, type }) => [name, readValue(type, given[name])] as const);
  const isWhole = Object.keys(given).length === fields.length && read.every(([, found]) => found !== undefined);
  return isWhole ? Object.fromEntries(read) : undefined;
}

function readValue(type: string, value: unknown): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'address':
      return lower(value, 40);
    case 'bytes32':
      return lower(value, 64);
    case 'uint256':
      return typeof value === 'string' && /^(?:0|[1-9]\d{0,77})$/.test(value) && BigInt(value) < 1n << 256n
        ? BigInt(value)
        : undefined;
    case 'Gap[]': {
      if (!Array.isArray(value)) return undefined;
      const gaps = value.map((gap) => readStruct(receiptTypes.Gap, gap));
      return gaps.includes(undefined) ? undefined : gaps;
    }
    default: {
      // uint64 holds milliseconds and counts, which fit into a number for as long as anybody will read them.
      const most = type === 'uint64' ? Number.MAX_SAFE_INTEGER : 2 ** Number(type.slice(4)) - 1;
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most ? value : undefined;
    }
  }
}

function lower(value: unknown, digits: number): string | undefined {
  const isHex = typeof value === 'string' && value.length === digits + 2 && /^0x[0-9a-fA-F]+$/.test(value);
  return isHex ? value.toLowerCase() : undefined;
}

/** What was rented. */
export interface ReceiptResources {
  cpuCores: number;
  gpuCount: number;
  /** Absent without a GPU. */
  gpuModel?: string | undefined;
  memoryMb: number;
  storageGb: number;
}

/** The one text for what was rented: JSON without spaces, keys in order. */
export function canonicalResources({ cpuCores, gpuCount, gpuModel, memoryMb, storageGb }: ReceiptResources): string {
  return JSON.stringify({
    cpu_cores: cpuCores,
    gpu_count: gpuCount,
    ...(gpuModel === undefined ? {} : { gpu_model: gpuModel }),
    memory_mb: memoryMb,
    storage_gb: storageGb,
  });
}
