import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { toFunctionSelector, type AbiFunction, type Address } from 'viem';
import { chainReads, reads, type ChainReads } from '../../console/chain/chain-reads.js';
import { coinsInShort, purposeInWords, stopInWords } from '../../console/operator/settlement-words.js';
import { depositPath } from '../../console/parts/deposit-path.js';
import { checkSettlement } from '../../console/settlements/check-settlement.js';
import { linesOf, stateOf, voidInWords } from '../../console/settlements/settlement-words.js';
import { batchHash } from '../../src/wire/settlement-batch.js';
import type { Settlement } from '../../src/client/types.generated.js';

const vault: Address = `0x${'be'.repeat(20)}`;
const [customer, payee]: Address[] = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`];
const content = {
  ...{ chainId: 31_337, vault },
  draws: [{ wallet: customer!, cumulative: 100n }],
  credits: [{ wallet: payee!, cumulative: 95n }],
};
const hash = batchHash(content);
const settlement: Settlement = {
  ...{ number: 4, status: 'final', chain_id: 31_337, vault, hash, void_reason: null, waits_for: null },
  ...{ proposed_at: null, executable_at: null, executed_at: null, tx: { propose: null, execute: null }, token: null },
  draws: [{ customer: customer!, cumulative: '100', cumulative_tokens: '0.0001' }],
  credits: [{ payee: payee!, cumulative: '95', cumulative_tokens: '0.000095' }],
};

/** A vault as a node has it. */
const chain = ({ said = hash, last = 4, spent = 100n, credited = 95n } = {}) =>
  ({
    settlement: async () => ({ hash: said, executableAtS: 0, lastExecuted: last }),
    customer: async () => ({ balance: 0n, spent, cap: 0n, exitAtS: 0, withdrawn: 0n }),
    payee: async () => ({ credited, withdrawn: 0n }),
  }) as unknown as ChainReads;

const statesOf = async (...given: Parameters<typeof checkSettlement>) =>
  (await checkSettlement(...given)).map(({ state }) => state);

describe('the check of a settlement', () => {
  test('computes the hash anew, and finds the vault to have the same, executed, with one’s own line in it', async () => {
    expect(await statesOf(settlement, chain(), customer)).toEqual(['holds', 'holds', 'holds', 'holds']);
    expect(await statesOf(settlement, chain(), payee)).toEqual(['holds', 'holds', 'holds', 'holds']);
    expect(await statesOf(settlement, chain(), vault)).toEqual(['holds', 'holds', 'holds']);
  });

  test('without a wallet on the chain says that the vault was not looked at', async () => {
    expect(await statesOf(settlement, undefined, customer)).toEqual(['holds', 'open']);
  });

  test.each<[string, Settlement, ChainReads, string]>([
    ['a line that was changed', { ...settlement, draws: [] }, chain(), 'another hash than the broker gives'],
    ['a line that no chain can hold', { ...settlement, vault: 'nonsense' }, chain(), 'another hash'],
    [
      'another hash at the vault',
      settlement,
      chain({ said: `0x${'11'.repeat(32)}` }),
      'something else|another hash under',
    ],
    ['one that was not executed', settlement, chain({ last: 3 }), 'has not executed it, although'],
    ['less that was drawn', settlement, chain({ spent: 99n }), 'drawn less from you'],
  ])('finds out %s', async (_, shown, there, words) => {
    const failed = (await checkSettlement(shown, there, customer)).filter(({ state }) => state === 'fails');
    expect(failed.map(({ text }) => text).join()).toMatch(new RegExp(words));
  });

  test('a void one has nothing at the vault, and one that only there is void is left open', async () => {
    const nothing = chain({ said: `0x${'0'.repeat(64)}`, last: 3 });
    expect(await statesOf({ ...settlement, status: 'void' }, nothing, undefined)).toEqual(['holds', 'holds', 'holds']);
    expect(await statesOf({ ...settlement, status: 'proposed' }, nothing, undefined)).toEqual([
      'holds',
      'open',
      'holds',
    ]);
  });
});

describe('what is read of a vault', () => {
  test('is read by the functions of the published contract', () => {
    const { abi } = JSON.parse(readFileSync('contracts/RentalVault.json', 'utf8')) as { abi: AbiFunction[] };
    const { balanceOf: _, allowance: __, ...ofVault } = reads;
    for (const [name, selector] of Object.entries(ofVault))
      expect(selector).toBe(toFunctionSelector(abi.find((each) => each.type === 'function' && each.name === name)!));
    expect(reads.balanceOf).toBe(toFunctionSelector('function balanceOf(address)'));
    expect(reads.allowance).toBe(toFunctionSelector('function allowance(address,address)'));
  });

  test('is refused where a node answers nonsense', async () => {
    const answering = (value: unknown) => chainReads({ request: async () => value });
    await expect(answering('0x').balance(vault, vault)).rejects.toThrow('no such contract');
    await expect(answering({}).block()).rejects.toThrow('no number');
    await expect(answering('0x1').customer(vault, vault)).rejects.toThrow('no such contract');
  });
});

describe('a settlement in words', () => {
  test('says where it is, and why it is void', () => {
    const at = (status: Settlement['status'], from: string | null = null) =>
      stateOf({ status, executable_at: from, void_reason: null }, Date.parse('2026-11-27T08:00:00Z')).word;
    expect([at('final'), at('void'), at('proposed', '2026-11-27T09:00:00Z'), at('proposed')]).toEqual([
      ...['executed', 'void', 'can be looked at', 'is being executed'],
    ]);
    expect(voidInWords('vetoed')).toContain('guardian');
    expect(voidInWords('refused: CapExceeded(0x1)')).toContain('one of its lines');
    expect([voidInWords(null), voidInWords('constructor')]).toEqual(Array(2).fill('It will never be executed.'));
  });

  test('has one’s own line first, whatever the case of its address', () => {
    const draws = [customer!, payee!].map((each) => ({ customer: each, cumulative: '1', cumulative_tokens: '1' }));
    const lines = linesOf({ draws, credits: [] }, payee!.toUpperCase().replace('0X', '0x'));
    expect(lines.draws.map(({ wallet, isOwn }) => [wallet, isOwn])).toEqual([
      [payee, true],
      [customer, false],
    ]);
  });

  test('tells an operator why it stopped, and what was sent', () => {
    expect(stopInWords('foreign_proposal').what).toContain('did not cut');
    expect(stopInWords('toString').what).toBe('Settlements were stopped: toString.');
    expect(purposeInWords('execute:1:0xbe:12')).toBe('execution of settlement 12');
    expect(purposeInWords('something else')).toBe('something else');
    expect(['1.23456', '0.00001', '0', '12'].map(coinsInShort)).toEqual(['1.2345', '< 0.0001', '0', '12']);
  });
});

test('what an order lacks is filled in where one deposits, and nothing that is no amount', () => {
  expect(depositPath({ required: '2000000', missing: '1500000' }, 6)).toBe('/deposits?amount=1.5&need=2000000');
  expect(depositPath({ required: '-1', missing: '1&x=2' }, 6)).toBe('/deposits');
});
