import { describe, expect, test } from '@jest/globals';
import { Backoff } from '../../src/backoff.js';
import { letterText } from '../../src/redis/streams/dead-letters.js';
import { before, claimedProvider, dataOf, isTooLarge } from '../../src/redis/streams/entry.js';
import { pageOf } from '../../src/redis/streams/suspects.js';
import { fieldsByName } from '../../src/wire/stream-entry.js';

describe('the text of a dead letter', () => {
  test.each([
    ['a join token', 'kubeadm join --token abcdef.0123456789abcdef --x', 'kubeadm join --token [removed] --x'],
    ['a signature', `sig 0x${'0a'.repeat(65)}!`, 'sig [removed]!'],
    ['a session token', `Bearer wlb_${'x'.repeat(43)}`, 'Bearer [removed]'],
    [
      'a field named like a secret',
      '{"a":1,"join_token" : "it \\"is\\" here","b":2}',
      '{"a":1,"join_token" : "[removed]","b":2}',
    ],
    ['a secret whose end is missing', '{"ssh_password":"hunter2', '{"ssh_password":"[removed]"'],
  ])('a dead letter contains nothing of %s', (_, data, text) => {
    expect(letterText(data)).toBe(text);
  });

  test('a dead letter keeps what an operator needs to recognize the message', () => {
    const data = `{"provider_id":"prov-a","wallet_addr":"0x${'1'.repeat(40)}","gpus":"two"}`;
    expect(letterText(data)).toBe(data);
  });

  test('a dead letter is at most 8 KiB, in whole characters', () => {
    const text = letterText('é€😀'.repeat(2_000));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8_192);
    expect(Buffer.byteLength(text)).toBeGreaterThan(8_188);
    expect('é€😀'.repeat(2_000).startsWith(text)).toBe(true);
  });

  test('a dead letter does not end within a secret', () => {
    const text = letterText(`${'-'.repeat(8_180)} abcdef.0123456789abcdef`);
    expect(text).not.toContain('abcdef');
  });
});

describe('the fields of an entry', () => {
  test('of two fields with one name, the one that is checked is the one that is read', () => {
    const fields = ['timestamp', 't', 'data', 'first', 'data', 'second'];
    expect(dataOf(fields)).toBe('first');
    expect(fieldsByName(fields)).toEqual({ timestamp: 't', data: 'first' });
  });

  test('a field that is named like part of a prototype is a field like others', () => {
    const named = fieldsByName(['__proto__', 'x', 'data', 'y']);
    expect(Object.hasOwn(named, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(named)).toBe(Object.prototype);
  });

  test.each([
    ['64 KiB of data', ['data', 'x'.repeat(65_536)], false],
    ['a byte more', ['data', 'x'.repeat(65_537)], true],
    ['64 KiB that are fewer characters', ['data', '€'.repeat(21_845)], false],
    ['more bytes than that in as few characters', ['data', '€'.repeat(21_846)], true],
    ['other fields that are too large together', ['data', '{}', 'sig', 'x'.repeat(25_000)], true],
    ['the signature of a contract wallet', ['data', '{}', 'sig', 'x'.repeat(20_000)], false],
  ])('the size of %s is measured in bytes', (_, fields, tooLarge) => {
    expect(isTooLarge(fields, fields[1]!)).toBe(tooLarge);
  });

  test.each([[null], ['prov-a'], [{}], [{ provider_id: 7 }], [{ provider_id: 'Prov A' }], [{ provider_id: 'a:b' }]])(
    '%j says legibly whom it is from: no',
    (message) => {
      expect(claimedProvider(message)).toBeUndefined();
    },
  );
});

test.each([
  ['5-1', '5-0'],
  ['5-0', '4-18446744073709551615'],
  ['0-1', '0-0'],
  ['18446744073709551615-18446744073709551615', '18446744073709551615-18446744073709551614'],
])('the id before %s is %s', (id, expected) => {
  expect(before(id)).toBe(expected);
});

test('unsuspicious entries are read together, and a suspect alone', () => {
  const pending = (...deliveries: number[]) =>
    deliveries.map((count, index) => ({ id: `${index}-0`, deliveries: count }));
  expect(pageOf(pending(1, 2, 1))).toHaveLength(3);
  expect(pageOf(pending(1, 2, 3, 1))).toHaveLength(2);
  expect(pageOf(pending(3, 1, 1))).toHaveLength(1);
});

test('waits double up to their limit, and start over after a success', () => {
  const backoff = new Backoff({ firstMs: 1_000, maxMs: 30_000 });
  const waits = Array.from({ length: 40 }, () => backoff.next());
  expect(waits[0]).toBeLessThanOrEqual(1_000);
  expect(waits[3]).toBeGreaterThan(waits[0]! * 4);
  expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  expect(waits.at(-1)).toBeGreaterThanOrEqual(24_000);
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(1_000);
});
