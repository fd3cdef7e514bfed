import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  encodeEventTopics,
  encodeFunctionData,
  parseAbi,
  toEventSelector,
  toFunctionSelector,
  type Abi,
  type AbiEvent,
  type AbiFunction,
  type Address,
  type Hex,
} from 'viem';
import { callFor, eventFor, isEventOf, topics, type Action, type VaultPlace } from '../../console/chain/actions.js';
import { capForAll, capForMore, leftOfCap } from '../../console/chain/cap-choice.js';
import { fateOf, type Look } from '../../console/chain/fate.js';
import { keepActions, type KeptAction } from '../../console/chain/kept-actions.js';
import { spendPermit } from '../../console/chain/permit.js';
import { reverts, revertInWords } from '../../console/chain/reverts.js';
import { baseUnitsOf, isWhole, unitsFor, unitsIn } from '../../console/chain/vault-units.js';
import { withdrawalOf, type Permit } from '../../console/chain/withdrawal.js';

const { abi: vaultAbi } = JSON.parse(readFileSync('contracts/RentalVault.json', 'utf8')) as { abi: Abi };
const erc20 = parseAbi([
  'function approve(address spender, uint256 amount) returns (bool)',
  'event Approval(address indexed owner, address indexed spender, uint256 amount)',
]);
const wallet: Address = '0x00000000000000000000000000000000000000a1';
const place: VaultPlace = { chainId: 31_337, vault: `0x${'be'.repeat(20)}`, token: `0x${'70'.repeat(20)}` };
const signature: Hex = `0x${'5a'.repeat(64)}1b`;

describe('what a wallet is asked to send', () => {
  const withdraw = { kind: 'withdraw', amount: '5', cumulative: '12', deadline: 1_900_000_000, signature } as const;
  const cases: [Action, string, readonly unknown[]][] = [
    [{ kind: 'approve', amount: '25', cap: '1' }, 'approve', [place.vault, 25n]],
    [{ kind: 'deposit', amount: '25', cap: '30' }, 'deposit', [wallet, 25n, 30n]],
    [{ kind: 'raise-cap', cap: '99' }, 'raiseCap', [wallet, 99n, '0x']],
    [withdraw, 'withdraw', [wallet, 12n, 1_900_000_000n, signature]],
    [{ kind: 'request-exit' }, 'requestExit', []],
    [{ kind: 'cancel-exit' }, 'cancelExit', []],
    [{ kind: 'exit' }, 'exit', [wallet]],
    [{ kind: 'withdraw-earnings' }, 'withdrawEarnings', [wallet]],
  ];

  test.each(cases)('%p is the call that the published contract knows as %s', (action, functionName, args) => {
    const abi: Abi = functionName === 'approve' ? erc20 : vaultAbi;
    const { to, data } = callFor(action, wallet, place);
    expect(data).toBe(encodeFunctionData({ abi, functionName, args }));
    expect(to).toBe(functionName === 'approve' ? place.token : place.vault);
  });

  test('the events by which each is found are those of the published contracts, of this wallet', () => {
    const names: Record<Action['kind'], string> = {
      ...{ approve: 'Approval', deposit: 'Deposited', 'raise-cap': 'CapRaised', withdraw: 'Withdrawn' },
      ...{ 'request-exit': 'ExitRequested', 'cancel-exit': 'ExitCancelled', exit: 'Exited' },
      'withdraw-earnings': 'EarningsWithdrawn',
    };
    for (const [action, , ,] of cases) {
      const isToken = action.kind === 'approve';
      const abi: Abi = isToken ? erc20 : vaultAbi;
      const event = abi.find((each): each is AbiEvent => each.type === 'event' && each.name === names[action.kind])!;
      expect(topics[action.kind]).toBe(toEventSelector(event));
      const first = event.inputs[0]!.name!;
      const args = isToken ? { owner: wallet, spender: place.vault } : { [first]: wallet };
      const expected = encodeEventTopics({ abi: [event], eventName: event.name, args }).filter((each) => each !== null);
      expect(eventFor(action, wallet, place).topics).toEqual(expected);
    }
  });

  test('an event of another amount is not that of the deposit, and one that a fee made smaller is', () => {
    const deposit: Action = { kind: 'deposit', amount: '100', cap: '0' };
    expect([101n, 100n, 99n, 0n].map((figure) => isEventOf(deposit, [figure]))).toEqual([false, true, true, false]);
    expect(isEventOf({ kind: 'raise-cap', cap: '7' }, [6n])).toBe(false);
    expect(isEventOf({ kind: 'raise-cap', cap: '7' }, [8n])).toBe(true);
  });

  test('the permit is signed for this vault, on this chain, with the types of the contract', () => {
    const permit = spendPermit(place, wallet, 7n);
    expect(permit.domain).toEqual({
      ...{ name: 'WorldLand Vault', version: '1', chainId: 31_337, verifyingContract: place.vault },
    });
    expect(permit.message).toEqual({ customer: wallet, cumulativeCap: '7' });
    const source = readFileSync('contracts/Permits.sol', 'utf8');
    expect(source).toContain('"SpendPermit(address customer,uint128 cumulativeCap)"');
    expect(source).toContain('keccak256("WorldLand Vault"), keccak256("1")');
  });

  test('what the vault refuses is said in words, by the errors of the published contract', () => {
    for (const [selector, { name }] of Object.entries(reverts)) {
      const error = vaultAbi.find((each) => each.type === 'error' && each.name === name);
      expect(selector).toBe(toFunctionSelector({ ...error, type: 'function' } as unknown as AbiFunction));
    }
    expect(revertInWords('0x9e87fac8')).toContain('paused');
    expect(revertInWords('0x00000000')).toBeUndefined();
  });
});

describe('a permit to take something out', () => {
  const nowS = 1_800_000_000;
  const asked = { wallet, place, amount: 5n, withdrawn: 7n, nowS };
  const callOf = (args: readonly unknown[], functionName = 'withdraw') =>
    encodeFunctionData({ abi: vaultAbi, functionName, args });
  const deadlineS = nowS + 900;
  const data = callOf([wallet, 12n, BigInt(deadlineS), signature]);
  const permit: Permit = { cumulative: 12n, deadlineS, signature, call: { to: place.vault, data } };
  const call = (args: readonly unknown[]) => ({ call: { to: place.vault, data: callOf(args) } });
  const thief = `0x${'66'.repeat(20)}`;

  test('goes to the wallet if its call is exactly what was asked for', () => {
    expect(withdrawalOf(permit, asked)).toEqual({
      ...{ kind: 'withdraw', amount: '5', cumulative: '12', deadline: deadlineS, signature },
    });
  });

  test.each<[string, Partial<Permit>]>([
    ['another contract', { call: { to: thief, data } }],
    ['no permit that a vault', { signature: '0x1234' }],
    ['for less', { cumulative: 11n }],
    ['for more', { cumulative: 13n }],
    ['run out', { deadlineS: nowS }],
    ['much longer', { deadlineS: nowS + 90_000 }],
    ['another receiver', call([thief, 12n, BigInt(deadlineS), signature])],
    ['another amount', call([wallet, 13n, BigInt(deadlineS), signature])],
    ['another deadline', call([wallet, 12n, BigInt(deadlineS + 1), signature])],
    ['call something else', { call: { to: place.vault, data: callOf([thief], 'exit') } }],
    ['not asked for', { call: { to: place.vault, data: `${data}00` } }],
    ['not asked for', call([wallet, 12n, BigInt(deadlineS), `0x${'11'.repeat(65)}`])],
  ])('is not shown to the wallet where it says %s', (words, change) => {
    expect(withdrawalOf({ ...permit, ...change }, asked)).toContain(words);
  });
});

describe('what became of a transaction', () => {
  const hash = `0x${'aa'.repeat(32)}`;
  const other = `0x${'bb'.repeat(32)}`;
  const kept = { hash, nonce: 4, askedAtMs: 0 };
  const look = (change: Partial<Look> = {}): Look => ({
    ...{ nowMs: 1_000, isKnown: true, nonce: 4, isSecond: true },
    ...change,
  });

  test.each<[string, Parameters<typeof fateOf>[0], Look, object]>([
    ['waits', kept, look(), { is: 'waiting', isSlow: false }],
    ['is slow after minutes', kept, look({ nowMs: 200_000 }), { is: 'waiting', isSlow: true }],
    ['is dropped once no node has it', kept, look({ nowMs: 200_000, isKnown: false }), { is: 'dropped' }],
    ['is in a block', kept, look({ receipt: { isDone: true, block: 9 } }), { is: 'mined', hash, block: 9 }],
    ['was refused', kept, look({ receipt: { isDone: false, block: 9 } }), { is: 'reverted', block: 9 }],
    ['was replaced', kept, look({ nonce: 5, isKnown: false }), { is: 'replaced' }],
    [
      'is not called replaced at the first look',
      kept,
      look({ nonce: 5, isSecond: false }),
      { is: 'waiting', isSlow: false },
    ],
    [
      'was sent anew with more gas',
      kept,
      look({ nonce: 5, event: { hash: other, block: 8 } }),
      { is: 'mined', hash: other, block: 8 },
    ],
    [
      'waits while an earlier one like it is done',
      kept,
      look({ event: { hash: other, block: 8 } }),
      { is: 'waiting', isSlow: false },
    ],
    ['is asked for', { nonce: 4, askedAtMs: 0 }, look(), { is: 'asked' }],
    [
      'is found after a reload that never heard of its hash',
      { nonce: 4, askedAtMs: 0 },
      look({ event: { hash: other, block: 8 } }),
      { is: 'mined', hash: other, block: 8 },
    ],
  ])('it %s', (_, sent, found, fate) => expect(fateOf(sent, found)).toEqual(fate));
});

describe('what a tab keeps of it', () => {
  const storage = () => {
    const texts = new Map<string, string>();
    return {
      getItem: (name: string) => texts.get(name) ?? null,
      setItem: (name: string, text: string) => void texts.set(name, text),
      removeItem: (name: string) => void texts.delete(name),
    };
  };
  const row: KeptAction = {
    ...{ id: 'one', wallet, place, action: { kind: 'request-exit' }, fromBlock: 3, nonce: 0, askedAtMs: 5 },
  };

  test('is there after a reload, with the hash that came later, until it is dropped', () => {
    const tab = storage();
    keepActions(tab).add(row);
    keepActions(tab).change('one', { hash: '0xaa' });
    expect(keepActions(tab).all.value).toEqual([{ ...row, hash: '0xaa' }]);
    keepActions(tab).drop('one');
    expect(keepActions(tab).all.value).toEqual([]);
  });

  test('is nothing where something else stands there', () => {
    const tab = storage();
    for (const text of ['{', '{}', '[{"id":1}]', '[null]', JSON.stringify([{ ...row, place: undefined }])]) {
      tab.setItem('worldland-chain', text);
      expect(keepActions(tab).all.value).toEqual([]);
    }
  });
});

describe('amounts of a vault', () => {
  test('are whole units of its token, and what is rounded off stays where it is', () => {
    const base = 1_500_000_000_000_000_001n;
    expect([unitsIn(base, 6), unitsFor(base, 6), baseUnitsOf(1_500_000n, 6)]).toEqual([
      1_500_000n,
      1_500_001n,
      base - 1n,
    ]);
    expect([isWhole(base, 6), isWhole(base - 1n, 6), isWhole(base, 18)]).toEqual([false, true, true]);
  });

  test('a cap for all covers what is there and what comes, and none is below what was signed', () => {
    const facts = { deposited: 100n, withdrawn: 30n, signed: 60n, drawn: 50n };
    expect([capForAll(facts, 20n), capForAll({ ...facts, signed: 500n }, 20n)]).toEqual([90n, 500n]);
    expect([capForMore(facts, 25n), capForMore(facts, 5n)]).toEqual([75n, 60n]);
    expect([leftOfCap(facts), leftOfCap({ ...facts, drawn: 70n })]).toEqual([10n, 0n]);
  });
});
