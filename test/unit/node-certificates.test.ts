// The certificate library's container needs this to be there before it is loaded.
import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import type { V1CertificateSigningRequest } from '@kubernetes/client-node';
import { bootstrapGroup } from '../../src/kubernetes/names.js';
import { kubeletClientSigner, objectionTo } from '../../src/kubernetes/node-certificates.js';

const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const pemFor = async (name: string) => {
  const made = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return made.toString('pem');
};
const node = (nodeName: string) => ({ providerId: nodeName, nodeName, generation: 1, certified: false });
const requestOf = (pem: string) =>
  ({
    spec: {
      signerName: kubeletClientSigner,
      username: 'system:bootstrap:abcdef',
      groups: [bootstrapGroup],
      usages: ['client auth'],
      request: Buffer.from(pem).toString('base64'),
    },
  }) as V1CertificateSigningRequest;
const objection = (pem: string) =>
  objectionTo(requestOf(pem), { token: { tokenId: 'abcdef', nodeName: 'atlas' }, node: node('atlas') });

const good = await pemFor('O=system:nodes, CN=system:node:atlas');

test('a request for the provider’s own node is what it should be', () => {
  expect(objection(good)).toBeUndefined();
});

test('a name that is not its own is quoted without anything that a terminal would obey', async () => {
  const told = objection(await pemFor(`O=system:nodes, CN="\u001b[2Jsystem:node:\u202eatlas${'x'.repeat(5_000)}"`))!;
  expect(told).toMatch(/^it asks for \[2Jsystem:node:atlasx+…, not for atlas$/);
  expect(told.length).toBeLessThan(400);
});

test('one that is broken somewhere is refused, wherever that is', () => {
  const [, begin, body, end] = /^(-+BEGIN[^\n]+-\n)([^-]+)(-+END[^\n]+)/.exec(good)!;
  const bytes = Buffer.from(body!, 'base64');
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0x00, 0xff]) {
      const broken = Buffer.from(bytes);
      broken[at] = value;
      const told = objection(`${begin}${broken.toString('base64')}\n${end}`);
      if (told !== undefined) expect(told.length).toBeLessThan(400);
    }
  }
  expect(objection('')).toBe('the request is no PKCS #10');
  expect(objection('\0'.repeat(10))).toBe('the request is no PKCS #10');
});
