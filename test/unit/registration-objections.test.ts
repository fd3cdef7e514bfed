import { expect, test } from '@jest/globals';
import {
  belongsToAnotherWallet,
  objectionTo,
  standsOutOfReach,
  type RecordedCandidate,
} from '../../activities/registration-objections.js';

interface Case {
  mode?: RecordedCandidate['mode'];
  signed?: boolean;
  record?: Partial<RecordedCandidate['record']>;
  encKey?: string;
  retired?: boolean;
}

const candidate = ({ mode = 'required', signed = true, record, encKey, retired = false }: Case) =>
  ({
    mode,
    stored: { signed, registration: encKey === undefined ? {} : { encKey } },
    record: { approved: false, walletVerified: false, isAnothers: false, signs: false, ...record },
    isRetired: () => Promise.resolve(retired),
  }) as unknown as RecordedCandidate;

test('a signed registration of a provider in good record meets no objection', async () => {
  expect(belongsToAnotherWallet(candidate({}))).toBeUndefined();
  expect(await objectionTo(candidate({}))).toBeUndefined();
});

test.each<[string, Case, string]>([
  ['after which the provider was retired is answered by nothing', { retired: true }, 'nothing'],
  ['without a signature waits for an approval in permissive mode', { mode: 'permissive', signed: false }, 'pending'],
  ['without a signature is rejected where one is required', { signed: false }, 'rejected'],
  ['with a key that nothing can be sealed for is rejected', { encKey: 'no key' }, 'rejected'],
])('a registration %s', async (_, given, tells) => {
  expect(await objectionTo(candidate(given))).toMatchObject({ tells });
});

test('an approved provider needs no signature in permissive mode', async () => {
  const approved = { mode: 'permissive', signed: false, record: { approved: true } } as const;
  expect(await objectionTo(candidate(approved))).toBeUndefined();
});

test('an unsigned registration for the provider of another wallet is rejected, and keeps the answer that waits', () => {
  const anothers = { record: { isAnothers: true }, signed: false };
  expect(belongsToAnotherWallet(candidate(anothers))).toMatchObject({ tells: 'rejected_unless_answered' });
  expect(belongsToAnotherWallet(candidate({ ...anothers, mode: 'off' }))).toBeUndefined();
  expect(belongsToAnotherWallet(candidate({ ...anothers, signed: true }))).toBeUndefined();
});

test('the first objection decides: a retired provider is told nothing, whatever else is wrong', async () => {
  expect(await objectionTo(candidate({ retired: true, signed: false }))).toMatchObject({ tells: 'nothing' });
});

test('an address at which no customer can log in is refused with its reason and what to do', () => {
  const at = (publicIp?: string) =>
    ({
      stored: { registration: { spec: publicIp === undefined ? {} : { publicIp } } },
    }) as unknown as RecordedCandidate;
  expect(standsOutOfReach(at('192.168.1.20'), [])).toEqual({
    message: expect.stringMatching(/192\.168\.1\.20 \(private: .*--public-ip/),
    tells: 'rejected',
  });
  expect(standsOutOfReach(at('gpu-box'), [])).toMatchObject({ tells: 'rejected' });
  expect(standsOutOfReach(at('192.168.1.20'), ['192.168.1.0/24'])).toBeUndefined();
  // No address, or none that anybody is shown: its node's own is used.
  for (const none of [undefined, '', '[not one', '8.8.8.8', 'box.provider.io'])
    expect(standsOutOfReach(at(none), [])).toBeUndefined();
});
