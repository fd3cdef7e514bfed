import { describe, expect, jest, test } from '@jest/globals';
import { browserSession, labelOf } from '../../console/connect/browser-session.js';
import { loginFailure } from '../../console/connect/failure.js';
import { buysInWords, limitsThatCover, neededFigure, readLimit } from '../../console/connect/limits.js';
import { WalletRefusal } from '../../console/connect/refusal.js';
import { sessionStorageStore, WorldLandError, type StoredSession } from '../../src/client/index.js';

const key = `0x${'a1'.repeat(32)}` as const;
const opened: StoredSession = {
  wallet: `0x${'11'.repeat(20)}`,
  sessionId: 'a-session',
  sessionKey: `0x${'22'.repeat(20)}`,
  privateKey: key,
  audience: 'https://broker.example.com',
  chainId: 1,
  scopes: ['admin', 'jobs:read', 'jobs:write'],
  spendLimit: '25',
  expiresAt: '2026-11-27T08:00:00.000Z',
  token: { value: 'another', id: 'x', mintedAt: '', expiresAt: '' },
};
const minted = { token: 'wlb_token', token_id: 'a-token', expires_at: '2026-11-27T07:00:00.000Z' };

describe('what a tab keeps of a login', () => {
  test('it is the token and never the key, and no right of an operator', async () => {
    const kept = new Map<string, string>();
    const store = sessionStorageStore({
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => void kept.set(name, value),
      removeItem: (name) => void kept.delete(name),
    });
    const session = browserSession(opened, { ...minted, scopes: [] }, 0);
    await store.save('https://broker.example.com', session);
    const text = [...kept.values()].join();
    expect(text).toContain('wlb_token');
    expect(text).not.toMatch(/[0-9a-f]{64}|admin|another/i);
    expect(await store.load('https://broker.example.com')).toEqual(session);
    await expect(store.save('https://broker.example.com', opened)).rejects.toThrow('session key');
  });

  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'Console in Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0',
      'Console in Edge on Windows',
    ],
    ['', 'Console'],
  ])('its label names browser and system: %s', (userAgent, label) => expect(labelOf({ userAgent })).toBe(label));
});

describe('how much a browser may spend', () => {
  test.each([
    ['25', '25'],
    [' 0,50 ', '0.5'],
    ['007', '7'],
    ['', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['1.0000000000000000001', undefined],
  ])('"%s" is read as %s', (text, limit) => expect(readLimit(text, 18)).toBe(limit));

  const price = (min: number) => ({ min, median: min, max: min });
  const type = (name: string, total: number, min?: number) => ({
    ...{ gpu_type: name, name, aliases: [], vram_gb: [24], total, free: total, most_at_one_provider: 1, providers: 1 },
    price: min === undefined ? null : price(min),
  });

  test('it is told in hours of the GPU of which there are most', () => {
    const types = [type('H100', 2, 2), type('RTX 4090', 16, 0.45), type('L40S', 20)];
    expect(buysInWords('25', types)).toBe('about 55 hours of an RTX 4090 at today’s price');
    expect(buysInWords('0.1', types)).toBe('about 13 minutes of an RTX 4090 at today’s price');
    expect(buysInWords('25', [])).toBeUndefined();
    expect(buysInWords('0', types)).toBeUndefined();
  });

  test.each([
    ['4400000000000000000', ['5', '10', '25'], '4.40'],
    ['1', ['1', '5', '10'], '0.01'],
    ['25000000000000000000', ['25', '50', '100'], '25.00'],
    ['25000000000000000001', ['26', '50', '100'], '25.01'],
    ['20000000000000000000000', ['20000'], '20\u202f000.00'],
  ])('limits that cover %s base units are %j, and it needs %s', (needed, limits, figure) => {
    expect(limitsThatCover(needed, 18)).toEqual(limits);
    expect(neededFigure(needed, 18)).toBe(figure);
  });
});

describe('a login that fails', () => {
  const said = (error: unknown) => loginFailure(error, { smartWallets: false });

  test('what the wallet said stands there, also where the client has wrapped it', () => {
    const refusal = new WalletRefusal('You said no in Otter.');
    expect(said(refusal).text).toBe('You said no in Otter.');
    expect(said(new WorldLandError('wallet_failed', 'x', { cause: refusal })).text).toBe('You said no in Otter.');
  });

  test('where a wallet is logged in too often, ending the others helps', () => {
    expect(said(new WorldLandError('quota_exceeded', '', { status: 403 })).isQuota).toBe(true);
    expect(said(new WorldLandError('blocked', 'abuse', { status: 403 })).isQuota).toBe(false);
  });

  test('what a broker says cannot reorder the sentence', () => {
    expect(said(new WorldLandError('blocked', 'be\u202Egone', { status: 403 })).text).not.toContain('\u202E');
  });

  test('a fault of the page is not told as one of the broker', () => {
    const quiet = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(said(new TypeError('x is undefined')).text).toContain('in this page');
    expect(quiet).toHaveBeenCalled();
    quiet.mockRestore();
  });
});
