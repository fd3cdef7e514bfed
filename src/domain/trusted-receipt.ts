import { readReceipt, receiptDigest, receiptDomain, type JobReceipt } from '../wire/job-receipt.js';
import { figureProblems } from '../wire/receipt-checks.js';
import type { Recover } from '../wire/recover.js';

type Hex = JobReceipt['previous'];

/** A receipt as somebody else sent it. */
export interface ForeignReceipt {
  typed_data: { domain: Readonly<Record<string, unknown>>; primaryType: string; message: unknown };
  signatures: readonly { signature: string }[];
}

/** Whose receipts are believed. */
export interface TrustedIssuer {
  audience: string;
  /** Of the receipts' domain: that of wallets, which need not be the vault's. */
  chainId: number;
  /** Addresses in lower case. `untilMs`: nothing that was issued then or later. */
  keys: readonly { address: string; untilMs?: number | undefined }[];
}

export type CheckedReceipt =
  | { is: 'good'; digest: Hex; receipt: JobReceipt }
  /** Nobody has signed it yet. */
  | { is: 'unsigned'; receipt: JobReceipt }
  | { is: 'bad'; name: string; problems: string[] };

/** Holds a receipt against itself and its signature. Whether it belongs into its customer's chain is another question. */
export async function checkForeignReceipt(
  row: ForeignReceipt,
  issuer: TrustedIssuer,
  recover: Recover,
): Promise<CheckedReceipt> {
  const receipt = readReceipt(row.typed_data.message);
  if (receipt === undefined)
    return { is: 'bad', name: 'a receipt', problems: ['it has another form than receipts have'] };
  const name = `receipt ${receipt.number} of ${receipt.customer}`;
  const domain: Readonly<Record<string, unknown>> = receiptDomain(issuer.chainId);
  const isOwn = Object.keys(domain).every((field) => row.typed_data.domain[field] === domain[field]);
  const problems = [
    ...(isOwn && row.typed_data.primaryType === 'JobReceipt'
      ? []
      : ['it is signed for another chain, or as something else']),
    ...(receipt.audience === issuer.audience ? [] : [`it is of ${receipt.audience}, not of ${issuer.audience}`]),
    ...figureProblems(receipt),
  ];
  if (problems.length > 0) return { is: 'bad', name, problems };
  if (row.signatures.length === 0) return { is: 'unsigned', receipt };
  const digest = receiptDigest(receipt, issuer.chainId);
  for (const { signature } of row.signatures) {
    const signer = await recover(digest, signature as Hex);
    const key = issuer.keys.find(({ address }) => address === signer);
    if (key !== undefined && (key.untilMs === undefined || receipt.issuedAtMs < key.untilMs))
      return { is: 'good', digest, receipt };
  }
  return { is: 'bad', name, problems: ['none of the keys that are approved has signed it'] };
}
