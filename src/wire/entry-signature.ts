import { createHash } from 'node:crypto';
import { hashMessage, type Address, type Hex } from 'viem';

/** Everything a node key signs about a message. */
export interface SignedEntry {
  audience: string;
  /** The base name of the stream, or another word if the message is not an entry. */
  stream: string;
  providerId: string;
  /** As written, because the text is signed. */
  seq: string;
  /** Unix seconds, as written. */
  ts: string;
  /** The exact text of the message; any form of JSON is allowed. */
  data: string;
}

/** The text a node key signs with EIP-191, one item per line. */
export function canonicalEntry({ audience, stream, providerId, seq, ts, data }: SignedEntry): string {
  const dataSha256 = createHash('sha256').update(data, 'utf8').digest('hex');
  return ['WORLDLAND-PROVIDER-V1', audience, stream, providerId, seq, ts, dataSha256].join('\n');
}

export function entryDigest(entry: SignedEntry): Hex {
  return hashMessage(canonicalEntry(entry));
}

/** The fields that a signing provider adds to an entry. The key is in lower case; `seq` and `ts` are as written. */
export interface EntrySignature {
  key: Address;
  seq: string;
  ts: string;
  sig: Hex;
  /** The wallet's delegation: its JSON text, and the wallet's signature. */
  delegation?: { reg: string; regsig: Hex };
}

/** The fields of a signed entry; registrations may have `reg` and `regsig`, both or neither. */
export const requiredFields = ['v', 'key', 'seq', 'ts', 'sig'] as const;

const optionalFields = ['reg', 'regsig'] as const;

export const signatureFields = [...requiredFields, ...optionalFields];
