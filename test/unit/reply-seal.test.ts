import { expect, test } from '@jest/globals';
import { canSealFor, newSealingKey, openReply, sealReply } from '../../src/wire/sealed-answer.js';

const reply = {
  success: true,
  status: 'approved',
  message: 'run join_command as root on this machine',
  join_token: 'abcdef.0123456789abcdef',
  join_command: 'kubeadm join 198.18.0.1:6443 --token abcdef.0123456789abcdef',
  master_ip: '198.18.0.1',
  node_name: 'atlas',
};

test('a sealed reply says what became of the registration and which token it holds, and nothing that joins', () => {
  const { encKey } = newSealingKey();
  const sealed = sealReply(reply, 'atlas', encKey);
  expect(Object.keys(sealed).sort()).toEqual(['message', 'sealed', 'status', 'success', 'token_id']);
  expect(sealed.token_id).toBe('abcdef');
  expect(JSON.stringify(sealed)).not.toMatch(/0123456789abcdef|198\.18/);
});

test('the holder of the key opens it, and gets all of it', () => {
  const { encKey, privateKey } = newSealingKey();
  expect(openReply(sealReply(reply, 'atlas', encKey), 'atlas', privateKey)).toMatchObject(reply);
});

test('a reply that was not sealed stays as it is', () => {
  expect(openReply(reply, 'atlas', newSealingKey().privateKey)).toEqual(reply);
});

test('nobody else opens it: not with another key, not as another provider, not after a change', () => {
  const { encKey, privateKey } = newSealingKey();
  const sealed = sealReply(reply, 'atlas', encKey);
  expect(() => openReply(sealed, 'atlas', newSealingKey().privateKey)).toThrow();
  expect(() => openReply(sealed, 'borealis', privateKey)).toThrow();
  const bytes = Buffer.from(sealed.sealed!, 'base64');
  for (const at of [0, 33, 50, bytes.length - 1]) {
    const altered = Buffer.from(bytes);
    altered[at]! ^= 1;
    expect(() => openReply({ ...sealed, sealed: altered.toString('base64') }, 'atlas', privateKey)).toThrow();
  }
});

test.each([
  ['the point at zero', '00'.repeat(32)],
  ['the point of order four', `01${'00'.repeat(31)}`],
  ['a point of order eight', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
])('%s, whose secret everybody knows, is no key to seal for', (_what, key) => {
  expect(canSealFor(key)).toBe(false);
  expect(canSealFor(newSealingKey().encKey)).toBe(true);
});
