/** What a statement says about the receipts of a customer. Amounts are base units. */
export interface ReceiptsStated {
  charged: string;
  refunded: string;
  /** What of that no receipt is for. */
  without_receipt: string;
  receipts: { first: number | null; last: number; last_digest: string | null };
}
