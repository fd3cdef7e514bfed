import { describe, expect, test } from '@jest/globals';
import { keccak256, recoverAddress, toBytes, zeroHash, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { chainProblems, figureProblems, totalsOf } from '../../src/wire/receipt-checks.js';
import {
  canonicalResources,
  readReceipt,
  receiptAsTypedData,
  receiptDigest,
  receiptMessage,
  receiptTypedData,
  receiptTypes,
  type JobReceipt,
} from '../../src/wire/job-receipt.js';
import { receiptVector } from '../support/receipt-vector.js';
import { chargeFor, feeFor } from '../../src/wire/charge.js';

const { receipt, chainId, digest, signature, signer } = receiptVector;

describe('the published receipt', () => {
  test('receipts have the published type', () => {
    const fieldsOf = (fields: readonly { name: string; type: string }[]) =>
      fields.map(({ name, type }) => `${type} ${name}`).join(',');
    const text = `JobReceipt(${fieldsOf(receiptTypes.JobReceipt)})Gap(${fieldsOf(receiptTypes.Gap)})`;
    expect(text).toBe(
      'JobReceipt(string audience,address customer,uint64 number,bytes32 previous,string jobId,uint32 revision,bytes32 orderHash,string providerId,address payee,string resources,uint256 ratePerHour,uint64 readyAtMs,uint64 servedUntilMs,Gap[] gaps,uint64 billedMs,uint256 reserved,uint256 charged,uint16 feeBps,uint256 fee,uint256 earned,string outcome,uint64 issuedAtMs)Gap(uint64 fromMs,uint64 toMs)',
    );
    expect(keccak256(toBytes(text))).toBe('0x44515b37d7fa6d0a7a9c8adf9a145d7927f7063fe704a573fb696b2138bab10f');
  });

  test('the published receipt has the published digest and signature', async () => {
    expect(receiptDigest(receipt, chainId)).toBe(digest);
    const account = privateKeyToAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d');
    expect(await account.signTypedData(receiptTypedData(receipt, chainId))).toBe(signature);
    expect(await account.sign({ hash: digest })).toBe(signature);
    expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).toBe(signer.toLowerCase());
  });

  test('nothing is wrong with its figures', () => {
    expect(figureProblems(receipt)).toEqual([]);
    expect(receipt.charged).toBe(chargeFor(receipt.ratePerHour, receipt.billedMs));
  });

  test('it is the same after it was written as JSON and read', () => {
    const written = JSON.parse(JSON.stringify(receiptAsTypedData(receipt, chainId))) as { message: unknown };
    expect(receiptDigest(readReceipt(written.message)!, chainId)).toBe(digest);
  });

  test.each<[string, object]>([
    ['a field that is not signed', { note: 'paid' }],
    ['an amount that is a number', { fee: 1 }],
    ['an amount that is negative', { fee: '-1' }],
    ['an amount of more than 256 bits', { fee: String(1n << 256n) }],
    ['a fee of more than 16 bits', { feeBps: 65_536 }],
    ['a time with a fraction', { readyAtMs: 1.5 }],
    ['no time', { readyAtMs: undefined }],
    ['a gap with a field too many', { gaps: [{ fromMs: 1, toMs: 2, cause: 'silent' }] }],
    ['an address with too few digits', { payee: '0x12' }],
    ['a wallet that is no text', { customer: 7 }],
  ])('a message with %s is refused', (_, change) => {
    expect(readReceipt({ ...receiptMessage(receipt), ...change })).toBeUndefined();
  });

  test('what was rented is written in one way', () => {
    const resources = {
      storageGb: 20,
      gpuModel: 'NVIDIA GeForce RTX 4090',
      memoryMb: 16_384,
      gpuCount: 1,
      cpuCores: 4,
    };
    expect(canonicalResources(resources)).toBe(receipt.resources);
    expect(canonicalResources({ cpuCores: 1, gpuCount: 0, memoryMb: 1, storageGb: 1 })).toBe(
      '{"cpu_cores":1,"gpu_count":0,"memory_mb":1,"storage_gb":1}',
    );
  });
});

describe('figures that are wrong are named', () => {
  test.each<[string, Partial<JobReceipt>, RegExp]>([
    ['a time that is billed although it was a gap', { gaps: [] }, /bills 5279623 ms, but/],
    ['a charge of one unit more', { charged: receipt.charged + 1n }, /5279623 ms at \d+ per hour cost/],
    ['a charge of one unit less', { charged: receipt.charged - 1n }, /5279623 ms at \d+ per hour cost/],
    ['a fee that was rounded up', { fee: receipt.fee + 1n, earned: receipt.earned - 1n }, /the fee is/],
    ['earnings that are not the rest', { earned: receipt.earned - 1n }, /the provider earns/],
    ['a charge above what was reserved', { reserved: receipt.charged - 1n }, /only \d+ were reserved/],
    ['a service that ends before it begins', { readyAtMs: receipt.servedUntilMs + 1, gaps: [] }, /ends before/],
    ['a gap outside of the service', { gaps: [{ fromMs: 1, toMs: 120_501 }] }, /gap from 1 to 120501/],
    ['a gap that ends before it begins', { gaps: [{ fromMs: 1764000720500, toMs: 1764000600000 }] }, /its gap from/],
    ['resources in another order', { resources: '{"b":1,"a":2}' }, /resources/],
    ['resources that are no JSON', { resources: '1 GPU' }, /resources/],
    ['a refund above the price', { revision: 1, charged: receipt.charged + 1n }, /after a refund it charges/],
  ])('%s', (_, change, words) => {
    expect(figureProblems({ ...receipt, ...change }).join('\n')).toMatch(words);
  });

  test('a charge that its reservation bounds is right', () => {
    const bounded = { ...receipt, reserved: 10_000n, charged: 10_000n, fee: 500n, earned: 9_500n };
    expect(figureProblems(bounded)).toEqual([]);
  });

  test('a refund with a smaller charge, and its fee, is right', () => {
    const charged = 1_001n;
    const fee = feeFor(charged, receipt.feeBps);
    expect(figureProblems({ ...receipt, revision: 1, charged, fee, earned: charged - fee })).toEqual([]);
  });
});

/** Receipts of one customer, each naming the one before it. */
function chain(...changes: Partial<JobReceipt>[]): { digest: Hex; receipt: JobReceipt }[] {
  let previous: Hex = zeroHash;
  return changes.map((change, at) => {
    const next: JobReceipt = { ...receipt, jobId: `job-${at}`, number: at + 1, previous, ...change };
    previous = receiptDigest(next, chainId);
    return { digest: previous, receipt: next };
  });
}

describe('a chain of receipts', () => {
  const refunded = { jobId: 'job-0', revision: 1, charged: 10n, fee: 0n, earned: 10n };

  test('nothing is wrong with a whole one, in any order', () => {
    const found = chain({}, {}, refunded, {});
    expect(chainProblems(found.toReversed(), zeroHash)).toEqual([]);
    expect(totalsOf(found.map((each) => each.receipt))).toEqual({
      charged: 3n * receipt.charged,
      refunded: receipt.charged - 10n,
    });
  });

  test.each<[string, (found: ReturnType<typeof chain>) => ReturnType<typeof chain>, RegExp]>([
    ['the first is missing', (found) => found.slice(1), /^receipt 1 is missing$/],
    ['two in the middle are missing', (found) => found.filter((_, at) => at !== 1 && at !== 2), /receipts 2 to 3/],
    ['one was replaced', (found) => found.with(1, chain({}, { charged: 1n })[1]!), /receipt 3 does not follow/],
    [
      'a number is there twice',
      (found) => [...found, chain({}, { charged: 1n })[1]!],
      /more than one receipt with number 2/,
    ],
  ])('%s', (_, change, words) => {
    expect(chainProblems(change(chain({}, {}, {}, {})), zeroHash).join('\n')).toMatch(words);
  });

  test.each<[string, Partial<JobReceipt>, RegExp]>([
    ['a refund that gives nothing back', { ...refunded, charged: receipt.charged }, /gives nothing back/],
    ['a refund that changes the time of service', { ...refunded, servedUntilMs: 1 }, /changes servedUntilMs/],
    ['a refund before which one is missing', { ...refunded, revision: 2 }, /revision 2 of its job, after revision 0/],
    ['a refund of a job without a receipt', { ...refunded, jobId: 'other' }, /without one before it/],
    ['a second settlement of a job', { jobId: 'job-0' }, /revision 0 of its job, after revision 0/],
  ])('%s is named', (_, change, words) => {
    expect(chainProblems(chain({}, change), zeroHash).join('\n')).toMatch(words);
  });
});
