import { expect, test } from '@jest/globals';
import { keccak256, toHex, zeroHash, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { verifyReceipts as verifyInClient } from '../../src/client/verify-receipts.js';
import { reservationFor } from '../../src/domain/billing.js';
import { chargeFor, feeFor } from '../../src/wire/charge.js';
import { canonicalResources, receiptAsTypedData, receiptDigest, type JobReceipt } from '../../src/wire/job-receipt.js';
import { describeUnless } from '../support/needs.js';
import { receiptVector } from '../support/receipt-vector.js';
import { missingPython, verifyReceipts } from '../support/receipt-verifier.js';

const account = privateKeyToAccount(`0x${'5e'.repeat(32)}`);
const other = privateKeyToAccount(`0x${'6b'.repeat(32)}`);
const keys = [{ address: account.address.toLowerCase(), from: '2025-11-01T00:00:00.000Z' }];
const { receipt: published, chainId } = receiptVector;

interface Given {
  typed_data: { domain: object; message: Record<string, unknown> };
  digest: string;
  signatures: { signer: string; signature: string }[];
}

async function signed(receipt: JobReceipt, by = account): Promise<Given> {
  const digest = receiptDigest(receipt, chainId);
  const signature = await by.sign({ hash: digest });
  const typed = JSON.parse(JSON.stringify(receiptAsTypedData(receipt, chainId))) as Given['typed_data'];
  return { typed_data: typed, digest, signatures: [{ signer: by.address.toLowerCase(), signature }] };
}

/** Receipts of one customer as the broker would issue them; the figures come from a seed. */
async function issued(count: number, change: (receipt: JobReceipt) => JobReceipt = (receipt) => receipt) {
  let previous: Hex = zeroHash;
  const rows: Given[] = [];
  for (let number = 1; number <= count; number++) {
    const random = (salt: string, below: number) =>
      Number(BigInt(keccak256(toHex(`${number} ${salt}`))) % BigInt(below));
    const rate = BigInt(keccak256(toHex(`${number} rate`))) % 10n ** 24n;
    const servedMs = random('served', 86_400_000);
    const missedMs = random('missed', servedMs + 1);
    const readyAtMs = 1_764_000_000_000 + random('ready', 1_000_000);
    const charged = chargeFor(rate, servedMs - missedMs);
    const feeBps = random('fee', 1_001);
    const fee = feeFor(charged, feeBps);
    const receipt = change({
      ...published,
      ...{ number, previous, jobId: `job-${number}`, readyAtMs, servedUntilMs: readyAtMs + servedMs },
      gaps: missedMs === 0 ? [] : [{ fromMs: readyAtMs, toMs: readyAtMs + missedMs }],
      resources: canonicalResources({
        cpuCores: 1,
        gpuCount: 1,
        gpuModel: 'Größe “π” 🚀\\"',
        memoryMb: 1,
        storageGb: 1,
      }),
      ...{ billedMs: servedMs - missedMs, ratePerHour: rate, reserved: reservationFor(rate, 86_400) },
      ...{ charged, feeBps, fee, earned: charged - fee },
      issuedAtMs: 1_764_100_000_000 + number,
    });
    previous = receiptDigest(receipt, chainId);
    rows.push(await signed(receipt));
  }
  return rows;
}

describeUnless(missingPython())('the verifier that shares no code with the broker', () => {
  test('it finds nothing wrong with the published receipt', async () => {
    const { digest, signer, signature } = receiptVector;
    const row = { typed_data: receiptAsTypedData(published, chainId), digest, signatures: [{ signer, signature }] };
    const found = await verifyReceipts({ receipts: [row], keys: [{ ...keys[0], address: signer }] });
    expect(found).toEqual({ code: 0, said: '1 receipt: nothing is wrong\n' });
  });

  test('a key is valid from its first millisecond up to its last one alone, for the client and the verifier alike', async () => {
    const row = await signed(published);
    const at = (ms: number) => new Date(published.issuedAtMs + ms).toISOString();
    for (const [from, until, isValid] of [
      [0, 1, true],
      [-1, 0, false],
      [1, 2, false],
      [-1, undefined, true],
    ] as const) {
      const key = { ...keys[0]!, from: at(from), ...(until === undefined ? {} : { until: at(until) }) };
      const { said } = await verifyReceipts({ receipts: [row], keys: [key] });
      const { problems } = verifyInClient([row as never], { keys: [key], audience: published.audience, areAll: false });
      expect([from, !said.includes('no key of the broker'), problems.length === 0]).toEqual([from, isValid, isValid]);
    }
  });

  test('it computes the digests and signers of many receipts as the broker does, whatever is in them', async () => {
    const receipts = await issued(40);
    expect(await verifyReceipts({ receipts, keys })).toEqual({ code: 0, said: '40 receipts: nothing is wrong\n' });
  });

  const three = issued(3);
  const change = async (at: number, edit: (row: Given) => unknown) => {
    const rows = structuredClone(await three);
    edit(rows[at]!);
    return rows;
  };

  test.each<[string, () => Promise<object>, RegExp]>([
    ['a receipt that is missing', async () => (await three).filter((_, at) => at !== 1), /receipt 2 is missing/],
    ['a first receipt that is missing', async () => (await three).slice(1), /receipt 1 is missing/],
    [
      'a charge that was changed after it was signed',
      () => change(1, ({ typed_data }) => (typed_data.message['charged'] = '1')),
      /was not made by it/,
    ],
    [
      'figures that are wrong although they are signed',
      async () => [await signed({ ...published, charged: published.charged + 1n })],
      /it charges 1810570285488132029, but 5279623 ms at 1234567890123456789 per hour cost 1810570285488132028/,
    ],
    [
      'a receipt that another key signed',
      async () => [await signed(published, other)],
      /signed by no key of the broker$/m,
    ],
    [
      'a receipt from before its key',
      async () => [await signed({ ...published, issuedAtMs: 1 })],
      /no key of the broker that was valid when it was issued/,
    ],
    [
      'a signer that did not sign',
      () => change(0, ({ signatures }) => (signatures[0]!.signer = other.address.toLowerCase())),
      /was not made by it/,
    ],
    [
      'the twin of a signature',
      () =>
        change(0, ({ signatures }) => {
          const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
          const text = signatures[0]!.signature;
          const s = (order - BigInt(`0x${text.slice(66, 130)}`)).toString(16).padStart(64, '0');
          signatures[0]!.signature = `${text.slice(0, 66)}${s}${text.endsWith('1b') ? '1c' : '1b'}`;
        }),
      /was not made by it/,
    ],
    ['another digest', () => change(0, (row) => (row.digest = `0x${'11'.repeat(32)}`)), /its digest is 0x/],
    [
      'another domain',
      () => change(0, ({ typed_data }) => (typed_data.domain = { ...typed_data.domain, name: 'Permit2' })),
      /its domain is not that of receipts/,
    ],
    [
      'a field that is not signed',
      () => change(0, ({ typed_data }) => (typed_data.message['note'] = 'paid')),
      /not those of a receipt: note/,
    ],
    [
      'an amount that is no number',
      () => change(0, ({ typed_data }) => (typed_data.message['fee'] = '1e3')),
      /1e3 is no whole number/,
    ],
    ['something that is no receipt', () => Promise.resolve([{ typed_data: 7 }]), /entry 1 is no receipt/],
    ['gaps that are no list', () => change(0, ({ typed_data }) => (typed_data.message['gaps'] = 7)), /entry 1 is no/],
  ])('it says of %s what is wrong', async (_, given, words) => {
    const { code, said } = await verifyReceipts({ receipts: await given(), keys });
    expect(said).toMatch(words);
    expect(said).not.toContain('Traceback');
    expect(code).toBe(1);
  });

  test('receipts without a signature are no fault, and have a code of their own', async () => {
    const receipts = await change(2, (row) => (row.signatures = []));
    const found = await verifyReceipts({ receipts, keys });
    expect(found).toEqual({ code: 3, said: '1 of 3 not signed yet\n3 receipts: nothing is wrong\n' });
  });

  test('a statement is compared with the receipts it counts', async () => {
    const receipts = await three;
    const amounts = receipts.map(({ typed_data }) => BigInt(typed_data.message['charged'] as string));
    const statement = {
      ...{ opening: '0', closing: '0', charged: String(amounts[1]! + amounts[2]! + 7n), refunded: '3' },
      without_receipt: '4',
      receipts: { first: 2, last: 3, last_digest: receipts[2]!.digest },
    };
    expect((await verifyReceipts([{ receipts }, { keys }, statement])).code).toBe(0);
    const wrong = await verifyReceipts([{ receipts }, { keys }, { ...statement, charged: '1' }]);
    expect(wrong.said).toMatch(/the statement has -6 charged by receipts 2 to 3, which come to \d+/);
    const cut = { ...statement, receipts: { ...statement.receipts, last_digest: zeroHash } };
    expect((await verifyReceipts([{ receipts }, { keys }, cut])).said).toContain('ends with another receipt 3');
    const held = await verifyReceipts([{ receipts: receipts.slice(0, 2) }, { keys }, statement]);
    expect(held.said).toContain('receipt 3 is missing, with which the statement ends');
    const odd = { ...statement, receipts: { ...statement.receipts, first: 'two' } };
    expect((await verifyReceipts([{ receipts }, { keys }, odd])).said).toContain('statement 1 cannot be read');
    const quiet = { ...statement, charged: '0', refunded: '0', without_receipt: '0' };
    const later = { ...quiet, receipts: { ...statement.receipts, first: null } };
    expect((await verifyReceipts([{ receipts }, { keys }, later])).code).toBe(0);
  });

  test('some of a customer’s receipts can be checked alone, and only of one broker', async () => {
    const receipts = (await three).slice(1);
    expect((await verifyReceipts({ receipts, keys }, ['--some'])).code).toBe(0);
    const { said } = await verifyReceipts({ receipts, keys }, ['--some', '--audience', 'https://other.example.com']);
    expect(said).toContain('it is of https://broker.example.com, not of https://other.example.com');
  });

  test.each([
    ['nothing to check', {}],
    ['an empty list', { receipts: [], keys }],
  ])('it cannot read %s', async (_, given) => {
    expect((await verifyReceipts(given)).code).toBe(2);
  });
});
