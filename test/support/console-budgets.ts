/** What the console may cost to load. Sizes are in kilobytes of 1,024 bytes, compressed by gzip, each file by itself. */
export const consoleBudgets = {
  firstScriptKb: 35,
  firstStyleKb: 10,
  /** All that comes when a wallet is asked: the dialog, the part of the client that logs in, and what signs requests. */
  walletKb: 32,
  chartKb: 24,
  firstRequests: 8,
};
