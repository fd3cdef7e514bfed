import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { keccak256, recoverAddress, toBytes, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { createRecover } from '../../src/auth/recover.js';
import { signatureFormProblem } from '../../src/auth/signature-form.js';
import {
  delegationDigest,
  delegationForWallet,
  delegationStatement,
  delegationTypedData,
  delegationTypes,
  revocationTypes,
  type SessionDelegation,
} from '../../src/wire/session-typed-data.js';
import { canonicalRequest, requestDigest } from '../../src/wire/request-signature.js';

// The first two of the keys that every development chain funds; they are public.
const wallet = privateKeyToAccount('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
const sessionKey = privateKeyToAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d');
const audience = 'https://broker.example.com';
const chainId = 103;

const delegation: SessionDelegation = {
  wallet: wallet.address.toLowerCase() as Hex,
  sessionKey: sessionKey.address.toLowerCase() as Hex,
  audience,
  statement: delegationStatement,
  scopes: 'jobs:read jobs:write',
  spendLimit: 25n * 10n ** 18n,
  issuedAt: 1_764_000_000,
  expiresAt: 1_764_086_400,
  nonce: `0x${'11'.repeat(32)}`,
};
const digest = '0x23f19c9743ac380f10190e76a1da55eab8f0b8eab1a5afc86c258b78cf68edd2';
const walletSignature =
  '0x4643047c6b8c6cfdb61fa67a7ca8dbda479945c25384b818a7d9f7e5a0b788841460f262502676efa7849c434ea67c081f530853cfec72716c7078ecc658616a1b';

/** A struct as EIP-712 encodes its type. */
function typehash(name: string, fields: readonly { name: string; type: string }[]): { text: string; hash: Hex } {
  const text = `${name}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})`;
  return { text, hash: keccak256(toBytes(text)) };
}

describe('typed data', () => {
  test('the typed data of a delegation has the published type', () => {
    expect(typehash('SessionDelegation', delegationTypes.SessionDelegation)).toEqual({
      text: 'SessionDelegation(address wallet,address sessionKey,string audience,string statement,string scopes,uint256 spendLimit,uint64 issuedAt,uint64 expiresAt,bytes32 nonce)',
      hash: '0x69a27fc70c29e105a6e47d87c9a316f4cae015223752ef306acc9a00bb76cd64',
    });
  });

  test('the typed data of a revocation has the published type', () => {
    expect(typehash('SessionRevocation', revocationTypes.SessionRevocation)).toEqual({
      text: 'SessionRevocation(address wallet,address sessionKey,string audience,uint64 issuedAt,bytes32 nonce)',
      hash: '0x3a9d6d854c563763bf95b163a7bcde578787ba5ecc253ed8d1dc32d8f34c0934',
    });
  });

  test('the published delegation has the published digest', () => {
    expect(delegationDigest(delegation, chainId)).toBe(digest);
  });

  test('the published wallet’s signature is the published one, and equals a browser’s', async () => {
    expect(await wallet.signTypedData(delegationTypedData(delegation, chainId))).toBe(walletSignature);
    // viem takes the decimal strings of the JSON for integers, as wallets do.
    const forBrowser = JSON.parse(JSON.stringify(delegationForWallet(delegation, chainId))) as {
      types: Record<string, unknown>;
    };
    const { EIP712Domain: _, ...types } = forBrowser.types;
    const typedData = { ...forBrowser, types } as unknown as ReturnType<typeof delegationTypedData>;
    expect(await wallet.signTypedData(typedData)).toBe(walletSignature);
  });

  test('the published signature recovers the published wallet', async () => {
    expect(await createRecover()(digest, walletSignature)).toBe(delegation.wallet);
  });
});

const signed = { timestamp: '1764000100', nonce: 'AAECAwQFBgcICQoLDA0ODw' };
const requests = [
  {
    name: 'an order',
    request: {
      method: 'POST',
      target: '/api/v1/jobs',
      bodyBytes: Buffer.from('{"gpu_type":"RTX 4090","gpu_count":1,"duration_hours":2}'),
    },
    text: 'WORLDLAND-REQUEST-V1\nhttps://broker.example.com\nPOST\n/api/v1/jobs\n9a2e5bf5d3681290862945a837da80907d8375cc0788d7ed09bcd5505accac81\n1764000100\nAAECAwQFBgcICQoLDA0ODw',
    signature:
      '0xe19e5c1e06369ad53ea8a650f01ea9e881a9fc52163bbda1e9e0ca4d0250f3cc57046894b76eaa5a971d3f7f727d946910e9ac26c3303407fa6c510580860a121b',
  },
  {
    name: 'a list',
    request: { method: 'GET', target: '/api/v1/jobs?limit=10', bodyBytes: Buffer.alloc(0) },
    text: 'WORLDLAND-REQUEST-V1\nhttps://broker.example.com\nGET\n/api/v1/jobs?limit=10\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n1764000100\nAAECAwQFBgcICQoLDA0ODw',
    signature:
      '0xa9571bc6b1daab994f4d84199da3f6979a286e298ae4d2a06f895f5e85dc8d2063128b0f726100e5743e0f7d3adf217aa5246d0a14bf0bc35751446460173b121c',
  },
] as const;

describe.each(requests)('the request that is $name', ({ request, text, signature }) => {
  test('the canonical text of a request is the published text', () => {
    expect(canonicalRequest(audience, request, signed)).toBe(text);
  });

  test('the published key’s signature of a request is the published one', async () => {
    expect(await sessionKey.signMessage({ message: text })).toBe(signature);
    expect(await createRecover()(requestDigest(audience, request, signed), signature)).toBe(delegation.sessionKey);
  });
});

test('an empty body is hashed as no bytes at all', () => {
  expect(requests[1].text.split('\n')[4]).toBe(createHash('sha256').digest('hex'));
});

describe('the form of a signature', () => {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const [r, s, v] = [walletSignature.slice(2, 66), walletSignature.slice(66, 130), walletSignature.slice(130)];
  const highS = `0x${r}${(order - BigInt(`0x${s}`)).toString(16).padStart(64, '0')}1c` as Hex;

  test('a signature with the other s is valid for a library, and rejected here', async () => {
    // Otherwise the test below would prove nothing.
    expect((await recoverAddress({ hash: digest, signature: highS })).toLowerCase()).toBe(delegation.wallet);
    expect(signatureFormProblem(highS)).toMatch(/lower half/);
    expect(await createRecover()(digest, highS)).toBeUndefined();
  });

  test.each([
    ['the 64 bytes of EIP-2098', `0x${r}${s}`],
    ['66 bytes', `${walletSignature}00`],
    ['no 0x', walletSignature.slice(2)],
    ['a v of 29', `0x${r}${s}1d`],
    ['a v of 2', `0x${r}${s}02`],
    ['nothing', ''],
  ])('a signature that is %s is rejected', async (_, signature) => {
    expect(signatureFormProblem(signature)).toBeDefined();
    expect(await createRecover()(digest, signature as Hex)).toBeUndefined();
  });

  test.each(['00', '1b'])('a signature with a v of 0x%s is accepted', async (given) => {
    expect(v).toBe('1b');
    expect(await createRecover()(digest, `0x${r}${s}${given}`)).toBe(delegation.wallet);
  });

  test.each([
    ['r is zero', `0x${'0'.repeat(64)}${s}1b`],
    ['s is zero', `0x${r}${'0'.repeat(64)}1b`],
    ['r is the order', `0x${order.toString(16)}${s}1b`],
  ])('no signer is recovered from a signature where %s', async (_, signature) => {
    expect(await createRecover()(digest, signature as Hex)).toBeUndefined();
  });
});
