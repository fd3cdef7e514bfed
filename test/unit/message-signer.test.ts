import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { privateKeyToAccount } from 'viem/accounts';
import { messageSigner } from '../../src/auth/message-signer.js';
import { nativeCurve } from '../../src/auth/native-curve.js';

/** Random texts under random keys. */
const keys = Array.from({ length: 10 }, () => randomBytes(32));
const texts = Array.from({ length: 100 }, (_, index) => randomBytes(index).toString('base64'));

test('the native library signs exactly as viem does', async () => {
  expect(nativeCurve).not.toBeNull();
  for (const key of keys) {
    const [native, viem] = [messageSigner(key), privateKeyToAccount(`0x${key.toString('hex')}`)];
    expect(native.address).toBe(viem.address);
    for (const message of texts) {
      expect([message, await native.signMessage({ message })]).toEqual([message, await viem.signMessage({ message })]);
    }
  }
});

test('where the native library does not load, viem signs', async () => {
  const key = keys[0]!;
  const signer = messageSigner(key, null);
  const message = texts[1]!;
  expect(signer).toMatchObject({ source: 'privateKey' });
  expect(await signer.signMessage({ message })).toBe(await messageSigner(key).signMessage({ message }));
});
