import { expect, test } from '@jest/globals';
import { privateKeyToAccount } from 'viem/accounts';
import type { Receipt } from '../../src/client/types.generated.js';
import { checkReceipt, receiptChecks, verifyReceipts } from '../../src/client/verify-receipts.js';
import { receiptAsTypedData, receiptDigest, type JobReceipt } from '../../src/wire/job-receipt.js';
import { receiptVector } from '../support/receipt-vector.js';

const account = privateKeyToAccount(`0x${'5e'.repeat(32)}`);
const keys = [{ address: account.address.toLowerCase(), from: '2025-11-01T00:00:00.000Z' }];
const { receipt: published, chainId } = receiptVector;
const { audience } = published;

async function issued(change: Partial<JobReceipt> = {}): Promise<Receipt> {
  const receipt = { ...published, ...change };
  const digest = receiptDigest(receipt, chainId);
  const signature = await account.sign({ hash: digest });
  const typed = JSON.parse(JSON.stringify(receiptAsTypedData(receipt, chainId))) as Receipt['typed_data'];
  const signatures = [{ signer: account.address.toLowerCase(), signature }];
  return { typed_data: typed, digest, signatures, status: 'signed' };
}

/** What a receipt that follows another one says of it. */
async function following(before: Receipt, change: Partial<JobReceipt> = {}) {
  return await issued({ number: 2, previous: before.digest as `0x${string}`, jobId: 'another', ...change });
}

const failing = (parts: ReturnType<typeof checkReceipt>) =>
  parts.filter(({ state }) => state === 'fails').map(({ check }) => check);

test('a receipt that is right holds in every part, the link to the one before it included', async () => {
  const first = await issued();
  const parts = checkReceipt(await following(first), { keys, audience, previous: first });
  expect(parts.map(({ state }) => state)).toEqual(receiptChecks.map(() => 'holds'));
  expect(new Set(parts.map(({ check }) => check))).toEqual(new Set(receiptChecks));
});

test.each<[string, (row: Receipt) => void, string[]]>([
  ['a charge', ({ typed_data }) => (typed_data.message.charged = '1'), ['digest', 'charge', 'share', 'signature']],
  ['a digest', (row) => (row.digest = `0x${'0'.repeat(64)}`), ['digest']],
  ['a gap', ({ typed_data }) => (typed_data.message.gaps = []), ['digest', 'time', 'signature']],
  ['the fee', ({ typed_data }) => (typed_data.message.fee = '0'), ['digest', 'share', 'signature']],
  ['a letter of the machine', ({ typed_data }) => (typed_data.message.providerId = 'nodf-1'), ['digest', 'signature']],
  [
    'a digit of the signature',
    ({ signatures }) => (signatures[0]!.signature = signatures[0]!.signature.replace(/.{6}(..)$/, '000000$1')),
    ['signature'],
  ],
  ['a field that was not signed', ({ typed_data }) => Object.assign(typed_data.message, { note: 'x' }), ['form']],
])('whoever changes %s is found out, in the part that it breaks', async (_, change, broken) => {
  const row = await issued();
  change(row);
  expect(failing(checkReceipt(row, { keys, audience })).sort()).toEqual([...broken].sort());
});

test('a key that nobody published, and another broker, are named', async () => {
  const row = await issued();
  expect(failing(checkReceipt(row, { keys: [], audience }))).toEqual(['signature']);
  expect(failing(checkReceipt(row, { keys, audience: 'https://other.example' }))).toEqual(['audience']);
});

test('the link to the receipt before is open if that one is not known, and broken if it is missing or another', async () => {
  const first = await issued();
  const second = await following(first);
  const stateOf = (previous?: Receipt | null) =>
    checkReceipt(second, { keys, audience, previous }).find(({ check }) => check === 'previous')!.state;
  expect(stateOf()).toBe('open');
  expect(stateOf(null)).toBe('fails');
  expect(stateOf(await issued({ charged: 1n }))).toBe('fails');
  expect(stateOf(first)).toBe('holds');
  expect(failing(checkReceipt(await issued({ number: 7 }), { keys, audience }))).toEqual(['previous']);
});

test('a receipt that is not signed yet is open in that part, and wrong in none', async () => {
  const row: Receipt = { ...(await issued()), signatures: [], status: 'pending' };
  const parts = checkReceipt(row, { keys, audience });
  expect(failing(parts)).toEqual([]);
  expect(parts.find(({ check }) => check === 'signature')!.state).toBe('open');
});

test('what is wrong with one receipt is said of all of them, with its number', async () => {
  const row = await issued();
  row.typed_data.message.charged = '1';
  const one = checkReceipt(row, { keys, audience }).flatMap(({ problems }) => problems);
  const { problems } = verifyReceipts([row], { keys, audience, areAll: false });
  expect(problems).toEqual(one.map((text) => `receipt 1: ${text}`));
});

test('a receipt of somebody else is found out where the customer is known', async () => {
  const first = await issued();
  const site = { keys, audience, customer: published.customer };
  expect(failing(checkReceipt(first, site))).toEqual([]);
  const foreign = await following(first, { customer: `0x${'9'.repeat(40)}` });
  expect(failing(checkReceipt(foreign, site))).toEqual(['audience']);
  const { problems } = verifyReceipts([first, foreign], { keys, audience, areAll: true });
  expect(problems).toEqual(['receipt 2 is of another customer than receipt 1']);
});

test('a first receipt that names one before it is wrong', async () => {
  const first = await issued({ previous: `0x${'8'.repeat(64)}` });
  expect(failing(checkReceipt(first, { keys, audience }))).toEqual(['previous']);
});

test('a refund that changes the gaps of its job is found out', async () => {
  const first = await issued();
  const refund = { revision: 1, jobId: published.jobId, charged: 0n, fee: 0n, earned: 0n, gaps: [] };
  const { problems } = verifyReceipts([first, await following(first, refund)], { keys, audience, areAll: true });
  expect(problems).toContain('receipt 2 is a refund, and changes gaps');
});
