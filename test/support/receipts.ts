import type { Hex } from 'viem';
import { audience } from './api.js';

/** The key of receipts in tests; it belongs to no chain. */
export const receiptKey: Hex = `0x${'5e'.repeat(32)}`;

/** What a worker needs to write and sign receipts. */
export const receiptSite = { AUTH_AUDIENCE: audience, AUTH_CHAIN_IDS: [103], RECEIPT_PRIVATE_KEY: receiptKey };
