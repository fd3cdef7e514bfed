import { expect, test } from '@jest/globals';
import { signTogether } from '../../src/billing/sign-together.js';

/** A signer of which each signing lasts until the test ends it. */
function heldSigner() {
  const under: { limit: number; end: () => void; fail: (error: Error) => void }[] = [];
  const sign = (limit: number) =>
    new Promise<number>((resolve, reject) => under.push({ limit, end: () => resolve(limit), fail: reject }));
  return { under, sign };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('receipts that are asked for while others are signed are signed in one go after them, up to a bound', async () => {
  const { under, sign } = heldSigner();
  const ask = signTogether({ sign }, 10, 25);
  const first = ask();
  await turn();
  const later = [ask(), ask(), ask()];
  await turn();
  expect(under.map(({ limit }) => limit)).toEqual([10]);
  under[0]!.end();
  await first;
  await turn();
  expect(under.map(({ limit }) => limit)).toEqual([10, 25]);
  under[1]!.end();
  await Promise.all(later);
  const last = ask();
  await turn();
  expect(under.map(({ limit }) => limit)).toEqual([10, 25, 10]);
  under[2]!.end();
  await last;
});

test('a signing that fails fails for those who asked for it, and for nobody else', async () => {
  const { under, sign } = heldSigner();
  const ask = signTogether({ sign }, 10, 25);
  const first = ask();
  await turn();
  const second = ask();
  under[0]!.fail(new Error('the database is away'));
  await expect(first).rejects.toThrow('the database is away');
  await turn();
  under[1]!.end();
  await expect(second).resolves.toBeUndefined();
});
