import { expect, test } from '@jest/globals';
import { findSecrets } from '../support/secrets.js';

const secrets = { token: 'wlb_0123456789-abcdefgh' };

test.each([
  ['as it is', `{"authorization":"Bearer ${secrets.token}"}`],
  ['in base64', Buffer.from(secrets.token).toString('base64')],
  ['in base64 after one letter', Buffer.from(`x${secrets.token}y`).toString('base64')],
  ['in base64 after two letters', Buffer.from(`xx${secrets.token}yy`).toString('base64')],
  ['in base64 for addresses', Buffer.from(`{"data":"${secrets.token}"}`).toString('base64url')],
])('a secret is found %s', (_, text) => {
  const found = findSecrets({ log: `before ${text} after` }, secrets);
  expect(found).toMatchObject([{ secret: 'token', text: 'log' }]);
  expect(JSON.stringify(found)).not.toContain(secrets.token);
});

test('a private key in JSON is found with its line breaks escaped', () => {
  const key = '-----BEGIN KEY-----\nabcdef\n-----END KEY-----\n';
  expect(findSecrets({ history: JSON.stringify({ key }) }, { key })).toHaveLength(1);
});

test('what is not there is not found', () => {
  expect(findSecrets({ log: 'wlb_0123456789-abcdefgx' }, secrets)).toEqual([]);
});

test('a search that could find nothing is refused', () => {
  expect(() => findSecrets({}, secrets)).toThrow(/nothing to look in/);
  expect(() => findSecrets({ log: '' }, secrets)).toThrow(/nothing to look in/);
  expect(() => findSecrets({ log: 'x' }, {})).toThrow(/nothing to look for/);
  expect(() => findSecrets({ log: 'x' }, { short: 'x' })).toThrow(/short/);
});
