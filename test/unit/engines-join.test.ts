import 'reflect-metadata';
import { createHash, createHmac, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Pkcs10CertificateRequest, X509CertificateGenerator } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { nodeCertificateRequest } from '../../engines/simulated-provider/certificate.js';
import { isSignedWith, someCertificateHas } from '../../engines/simulated-provider/discovery.js';
import { parseJoinCommand } from '../../src/provider-agent/join-command.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { bareEntry, registrationMessage } from '../../engines/simulated-provider/messages.js';

const hash = 'a'.repeat(64);
const line = `kubeadm join 203.0.113.7:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:${hash} --node-name gpu-1`;

describe('the join command', () => {
  test('a join command is read with both ways to write an option', () => {
    const expected = {
      host: '203.0.113.7',
      port: 6443,
      tokenId: 'abcdef',
      tokenSecret: '0123456789abcdef',
      caHashes: [hash],
      nodeName: 'gpu-1',
    };
    expect(parseJoinCommand(line)).toEqual(expected);
    expect(parseJoinCommand(line.replaceAll(/(--[\w-]+) /g, '$1='))).toEqual(expected);
    expect(parseJoinCommand(line.replace('203.0.113.7', '[2001:db8::7]')).host).toBe('2001:db8::7');
  });

  test.each([
    ['another program', line.replace('kubeadm', 'sh')],
    ['a second command', `${line}; reboot`],
    ['a substitution', `${line} $(id)`],
    ['a line break', `${line}\nreboot`],
    ['no pin', line.replace(/--discovery\S+ \S+/, '')],
    ['a short pin', line.replace(hash, 'abc')],
    ['a malformed token', line.replace('abcdef.', 'abc.')],
    ['no port', line.replace(':6443', '')],
    ['an option without value', `${line} --token`],
  ])('a join command with %s is rejected, and the token is not repeated', (_, text) => {
    expect(() => parseJoinCommand(text)).toThrow();
    try {
      parseJoinCommand(text);
    } catch (error) {
      expect((error as Error).message).not.toContain('0123456789abcdef');
    }
  });
});

describe('the signature of cluster-info', () => {
  const token = { tokenId: 'abcdef', tokenSecret: '0123456789abcdef' };
  const encode = (text: string) => Buffer.from(text).toString('base64url');
  const jws = (content: string, header: object = { alg: 'HS256', kid: token.tokenId }, secret = token.tokenSecret) => {
    const head = encode(JSON.stringify(header));
    return `${head}..${createHmac('sha256', secret)
      .update(`${head}.${encode(content)}`)
      .digest('base64url')}`;
  };

  test('the signature of cluster-info matches the content and the token it was made with', () => {
    expect(isSignedWith('content', jws('content'), token)).toBe(true);
  });

  test.each([
    ['other content', jws('something else')],
    ['another secret', jws('content', undefined, 'fedcba9876543210')],
    ['another token id', jws('content', { alg: 'HS256', kid: 'zzzzzz' })],
    ['no algorithm', jws('content', { alg: 'none', kid: token.tokenId })],
    ['a payload of its own', jws('content').replace('..', `.${encode('content')}.`)],
    ['no signature', jws('content').replace(/[^.]+$/, '')],
    ['nothing at all', ''],
  ])('the signature of cluster-info is rejected with %s', (_, text) => {
    expect(isSignedWith('content', text, token)).toBe(false);
  });
});

test('a pin fits a CA by its public key', async () => {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const pem = (await X509CertificateGenerator.createSelfSigned({ name: 'CN=ca', keys })).toString('pem');
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  expect(someCertificateHas(pem, [createHash('sha256').update(spki).digest('hex')])).toBe(true);
  expect(someCertificateHas(pem, [hash])).toBe(false);
  expect(someCertificateHas('', [hash])).toBe(false);
});

test('a certificate request is in the name of the node, and the key is its own', async () => {
  const { key, request } = await nodeCertificateRequest('gpu-1');
  const parsed = new Pkcs10CertificateRequest(request);
  expect(parsed.subjectName.toJSON()).toEqual([{ O: ['system:nodes'] }, { CN: ['system:node:gpu-1'] }]);
  expect(await parsed.verify()).toBe(true);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  expect(Buffer.from(parsed.publicKey.rawData)).toEqual(spki);
});

test('a registration has the shape of the public agents, who know only totals of one type', async () => {
  const gpus = { model: 'NVIDIA GeForce RTX 4090', count: 2 };
  const message = registrationMessage(simulatedMachine({ providerId: 'gpu-1', gpus, cpuCores: 16 }));
  expect(Object.keys(message)).toEqual([
    'provider_id',
    'wallet_addr',
    'spec',
    'capacity',
    'agent_version',
    'timestamp',
  ]);
  expect(message).toMatchObject({
    spec: { total_gpus: 2, gpus: [{ index: 0, name: 'NVIDIA GeForce RTX 4090' }, { index: 1 }] },
    capacity: { gpu_count: 2, cpu_cores: 16, available_from: '0001-01-01T00:00:00Z' },
  });
  const entry = await bareEntry('provider:registration', JSON.stringify(message));
  expect(Object.keys(entry)).toEqual(['data', 'timestamp']);
  expect(entry['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});
