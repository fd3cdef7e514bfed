import { signingKey } from './signing-keys.js';

export const receiptVariables = {
  /**
   * The key that signs receipts: `0x` and 64 hex digits, made with `openssl rand -hex 32`. Only the role `worker` reads
   * it; mount it there as a file (`RECEIPT_PRIVATE_KEY_FILE`), and use it for nothing else, least of all on a chain.
   * Without it receipts stay `pending`, and nothing else waits; a site with a chain does not start without it, because
   * what receipts do not explain is vetoed. With another one, all that is issued from then on is signed with that; the
   * old one stays published.
   */
  RECEIPT_PRIVATE_KEY: signingKey,
};
