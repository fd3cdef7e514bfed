import { describe, expect, test } from '@jest/globals';
import { connect, nameBeside, sign, switchChain } from '../../console/connect/wallets.js';

const account = `0x${'11'.repeat(20)}`;
const wallet = (request: (call: { method: string }) => Promise<unknown>) => ({ name: 'Otter', provider: { request } });
const failing = (error: unknown) =>
  wallet(async () => {
    throw error;
  });

describe('what a wallet answers', () => {
  test.each([
    [{ code: 4001 }, 'You said no in Otter.'],
    [{ code: 'ACTION_REJECTED' }, 'You said no in Otter.'],
    [{ code: -32_603, data: { originalError: { code: 4001 } } }, 'You said no in Otter.'],
    [{ code: -32_000, cause: { code: -32_002 } }, 'Otter already asks you something.'],
    [{ code: 4901 }, 'Otter has no connection to its chain.'],
    [{ code: -32_603, message: 'be\u202Egone' }, 'Otter did not do it: begone'],
    [undefined, 'Otter did not do it.'],
  ])('%j is said in words', async (error, words) => {
    await expect(connect(failing(error))).rejects.toThrow(words);
  });

  test('nothing is done with an answer that nobody waits for any more', async () => {
    const given = new AbortController();
    const asked: string[] = [];
    const late = wallet(async ({ method }) => {
      asked.push(method);
      given.abort();
      return method === 'eth_requestAccounts' ? [account] : null;
    });
    await expect(connect(late, given.signal)).rejects.toThrow(/abort/i);
    await expect(switchChain(late, 5, given.signal)).rejects.toThrow(/abort/i);
    await expect(sign(late, account as `0x${string}`, {}, given.signal)).rejects.toThrow(/abort/i);
    expect(asked).toEqual(['eth_requestAccounts', 'wallet_switchEthereumChain', 'eth_signTypedData_v4']);
  });
});

describe('the names of wallets', () => {
  test('are told apart by their domains, and by numbers where those are the same', () => {
    const taken = new Set<string>();
    const named = (name: string, rdns: string) => {
      const given = nameBeside(taken, name, rdns);
      taken.add(given);
      return given;
    };
    expect([named('Otter', 'one.example'), named('Otter', 'two.example'), named('Otter', 'two.example')]).toEqual([
      'Otter',
      'Otter (two.example)',
      'Otter (two.example) 2',
    ]);
    expect([named('Otter', ''), named('Seal', '')]).toEqual(['Otter 2', 'Seal']);
  });
});
