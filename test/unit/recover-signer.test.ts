import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { bytesToHex, type Hex } from 'viem';
import { privateKeyToAccount, sign } from 'viem/accounts';
import { nativeRecoverSigner, recoverWithViem } from '../../src/auth/recover-signer.js';

const native = nativeRecoverSigner();
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** 32 bytes that are the same in each run. */
const bytesOf = (seed: string): Hex => bytesToHex(createHash('sha256').update(seed).digest());
const hex = (value: bigint): string => value.toString(16).padStart(64, '0');

test('the native library loads where the package has a binding for the machine', () => {
  const machines = ['linux-x64', 'darwin-arm64', 'win32-x64'];
  expect(native !== undefined).toBe(machines.includes(`${process.platform}-${process.arch}`));
});

test('both libraries name the signer, whichever way v counts', async () => {
  for (let index = 0; index < 50; index++) {
    const key = bytesOf(`key ${index}`);
    const digest = bytesOf(`digest ${index}`);
    const address = privateKeyToAccount(key).address.toLowerCase();
    const signature = await sign({ hash: digest, privateKey: key, to: 'hex' });
    const fromZero: Hex = `${signature.slice(0, 130) as Hex}0${Number.parseInt(signature.slice(130), 16) - 27}`;
    for (const form of [signature, fromZero]) {
      expect(await recoverWithViem(digest, form)).toBe(address);
      if (native !== undefined) expect(await native(digest, form)).toBe(address);
    }
  }
});

test('both libraries agree on signatures that nobody made', async () => {
  if (native === undefined) return;
  let named = 0;
  for (let index = 0; index < 600; index++) {
    const [r, s, digest] = ['r', 's', 'digest'].map((part) => bytesOf(`${part} ${index}`)) as [Hex, Hex, Hex];
    const signature: Hex = `${r}${s.slice(2)}${index % 2 === 0 ? '1b' : '1c'}`;
    const signer = await native(digest, signature);
    expect(signer).toBe(await recoverWithViem(digest, signature));
    if (signer !== undefined) named++;
  }
  // About half of all numbers are the coordinate of a point.
  expect(named).toBeGreaterThan(200);
  expect(named).toBeLessThan(400);
});

const one = hex(1n);
test.each([
  ['r is zero', `0x${hex(0n)}${one}1b`],
  ['s is zero', `0x${one}${hex(0n)}1b`],
  ['r is the order of the curve', `0x${hex(order)}${one}1b`],
  ['s is the order of the curve', `0x${one}${hex(order)}1b`],
  ['r is the largest number', `0x${'f'.repeat(64)}${one}1c`],
  ['everything is zero', `0x${'0'.repeat(130)}`],
] as [string, Hex][])('no library names a signer when %s', async (_, signature) => {
  const digest = bytesOf('anything');
  expect(await recoverWithViem(digest, signature)).toBeUndefined();
  if (native !== undefined) expect(await native(digest, signature)).toBeUndefined();
});

test.each([hex(0n), hex(order), hex(order + 1n), 'f'.repeat(64)])(
  'both libraries agree on the digest 0x%s',
  async (digest) => {
    if (native === undefined) return;
    const key = bytesOf('key');
    const signature = await sign({ hash: `0x${digest}`, privateKey: key, to: 'hex' });
    expect(await native(`0x${digest}`, signature)).toBe(await recoverWithViem(`0x${digest}`, signature));
  },
);
