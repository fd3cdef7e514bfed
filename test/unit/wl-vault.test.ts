import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { decodeFunctionData, parseAbi, type Address, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { CallReverted } from '../../src/chain/node-words.js';
import { addressOf, approveCall, depositCall, withdrawCall } from '../../src/cli/chain/calls.js';
import { unitsOf } from '../../src/cli/chain/amounts.js';
import { checkLines } from '../../src/cli/chain/check-settlement.js';
import { checkedPermit } from '../../src/cli/chain/permit-of-broker.js';
import { revertWords } from '../../src/cli/chain/revert-words.js';
import { isPublishedVault } from '../../src/cli/chain/vault-code.js';
import type { Vault } from '../../src/cli/chain/vault.js';
import { nodeAddress } from '../../src/cli/files/config.js';
import type { Settlement, Withdrawal } from '../../src/client/shapes.js';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { withdrawPermitTypedData } from '../../src/wire/vault-typed-data.js';

const address = (digit: string): Address => `0x${digit.repeat(40)}`;
const [vaultAddress, wallet, receiver] = [address('a'), address('b'), address('c')];
const operator = privateKeyToAccount(`0x${'1'.repeat(64)}`);
const vault: Vault = {
  ...{ chainId: 7, address: vaultAddress, operator: operator.address.toLowerCase() as Address },
  token: { address: address('d'), symbol: 'TEST', decimals: 6 },
  ...{ batchDelayS: 60, exitDelayS: 600, pausedUntilS: 0, isPublished: true },
};

describe('a permit of the broker', () => {
  const nowS = 1_800_000_000;
  const asked = { wallet, amount: 5n, withdrawn: 10n, nowS };
  const permitOf = async (
    changed: { cumulative?: bigint; deadlineS?: number; by?: typeof operator; chainId?: number } = {},
  ) => {
    const { cumulative = 15n, deadlineS = nowS + 900, by = operator, chainId = 7 } = changed;
    const deadline = BigInt(deadlineS);
    const message = { customer: wallet, cumulativeWithdrawn: cumulative, deadline };
    const signature = await by.signTypedData(withdrawPermitTypedData({ chainId, vault: vaultAddress }, message));
    const call = withdrawCall(vaultAddress, { to: wallet, cumulative, deadline, signature });
    const reply: Withdrawal = {
      ...{ withdrawal_id: 'id', amount: '5', amount_tokens: '5', cumulative: String(cumulative), signature },
      ...{ deadline: new Date(deadlineS * 1_000).toISOString(), call: { to: call.to, data: call.data } },
    };
    return reply;
  };

  test('that is what was asked for gives total, deadline and signature, and no receiver', async () => {
    const reply = await permitOf();
    expect(await checkedPermit(reply, vault, asked)).toEqual({
      ...{ cumulative: 15n, deadline: BigInt(nowS + 900), signature: reply.signature },
    });
  });

  test.each<[string, () => Promise<Withdrawal>, RegExp]>([
    ['for more than was asked for', () => permitOf({ cumulative: 16n }), /6 units of the token, and 5 were asked/],
    ['for less', () => permitOf({ cumulative: 14n }), /4 units of the token/],
    ['that is late', () => permitOf({ deadlineS: nowS - 1 }), /deadline is past/],
    ['of another key', () => permitOf({ by: privateKeyToAccount(`0x${'2'.repeat(64)}`) }), /operator/],
    ['for another chain', () => permitOf({ chainId: 8 }), /operator/],
    ['that is not signed', async () => ({ ...(await permitOf()), signature: null }), /not signed/],
    [
      'whose call goes elsewhere',
      async () => ({ ...(await permitOf()), call: { ...(await permitOf()).call!, to: receiver } }),
      /not to the vault/,
    ],
    [
      'whose call has another receiver',
      async () => {
        const reply = await permitOf();
        const permitted = { cumulative: 15n, deadline: BigInt(nowS + 900), signature: reply.signature as Hex };
        return {
          ...reply,
          call: { to: vaultAddress, data: withdrawCall(vaultAddress, { ...permitted, to: receiver }).data },
        };
      },
      /says something else/,
    ],
    [
      'whose call approves a token',
      async () => ({
        ...(await permitOf()),
        call: { to: vaultAddress, data: approveCall(vaultAddress, receiver, 2n ** 255n).data },
      }),
      /no withdrawal/,
    ],
  ])('%s is refused', async (_, reply, words) => {
    await expect(checkedPermit(await reply(), vault, asked)).rejects.toThrow(words);
  });
});

describe('what is sent', () => {
  test('an approval is of exactly the amount, for the vault', () => {
    const { to, data } = approveCall(vault.token.address, vaultAddress, 25n);
    const abi = parseAbi(['function approve(address spender, uint256 amount) returns (bool)']);
    const { args } = decodeFunctionData({ abi, data });
    expect([to, args[0].toLowerCase(), args[1]]).toEqual([vault.token.address, vaultAddress, 25n]);
  });

  test('a deposit is in the name of the wallet', () => {
    const { data } = depositCall(vaultAddress, { customer: wallet, amount: 25n, cap: 30n });
    const { functionName, args } = decodeFunctionData({ abi: rentalVaultAbi, data });
    expect([functionName, args.map(String).map((text) => text.toLowerCase())]).toEqual([
      'deposit',
      [wallet, '25', '30'],
    ]);
  });

  test.each([
    ['1', 1_000_000n],
    ['0.000001', 1n],
    ['340282366920938463463374607431768.211455', 340282366920938463463374607431768211455n],
  ])('%s tokens of six decimals are %s units', (text, units) => {
    expect(unitsOf(text, vault, 'wl deposit 25')).toBe(units);
  });

  test.each(['0', '0.0000001', '1e3', '-1', 'all', '340282366920938463463374607431769'])(
    '%s is no amount that a vault takes',
    (text) => expect(() => unitsOf(text, vault, 'wl deposit 25')).toThrow(),
  );

  test('an address with a wrong letter is refused by its checksum, and so is nobody', () => {
    expect(addressOf('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', '--to')).toBe(
      '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
    );
    expect(() => addressOf('0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266', '--to')).toThrow(/capitals/);
    expect(() => addressOf(`0x${'0'.repeat(40)}`, '--to')).toThrow(/zeros/);
    expect(() => addressOf('vitalik.eth', '--to')).toThrow(/address/);
  });
});

test('every error of the vault that a wallet can meet has words of its own, and the name beside them', () => {
  const others = /^Not(Admin|Guardian|Operator|Paused|Treasury)$|^Invalid(Delay)$|^Reentered$|^UnknownBatch$/;
  const names = rentalVaultAbi.flatMap((entry) => (entry.type === 'error' ? [entry.name] : []));
  for (const name of names.filter((each) => !others.test(each))) {
    const [line] = revertWords(new CallReverted(name));
    expect(line).toContain(`(${name})`);
    expect(line).not.toContain('the contract refuses the call');
  }
});

describe('the code of a vault', () => {
  const { bytecode } = JSON.parse(readFileSync('contracts/RentalVault.json', 'utf8')) as { bytecode: Hex };
  const runtime = bytecode.slice(2 + 2 * 816);
  const places = [...runtime.matchAll(/7f0{64}/g)].map((found) => found.index / 2 + 1);
  const written = (values: Record<number, string>): Hex => {
    let code = runtime;
    for (const at of places) {
      const value = (values[at] ?? '').padStart(64, '0');
      code = code.slice(0, 2 * at) + value + code.slice(2 * (at + 32));
    }
    return `0x${code}`;
  };
  const token = Object.fromEntries([622, 1989, 2454, 6816, 8687].map((at) => [at, 'ab']));

  test('is known with whatever its constructor wrote', () => {
    expect(places).toHaveLength(13);
    expect(isPublishedVault(written({}))).toBe(true);
    expect(isPublishedVault(written(token))).toBe(true);
  });

  test('is not known with one byte changed, or with another token in one place', () => {
    const code = written(token);
    expect(isPublishedVault(`0x${code.slice(2, -2)}ff`)).toBe(false);
    expect(isPublishedVault(written({ ...token, 2454: 'cd' }))).toBe(false);
    expect(isPublishedVault('0x')).toBe(false);
  });
});

describe('a settlement', () => {
  const line = { cumulative: '5', cumulative_tokens: '5' };
  const lines = { draws: [{ customer: wallet, ...line }], credits: [{ payee: receiver, ...line }] };
  const hash = batchHash({
    ...{ chainId: 7, vault: vaultAddress, draws: [{ wallet, cumulative: 5n }] },
    credits: [{ wallet: receiver, cumulative: 5n }],
  });
  const settlement = { number: 1, chain_id: 7, vault: vaultAddress, hash, ...lines } as unknown as Settlement;

  test('has the hash of its lines, and one with another line, chain or vault has not', () => {
    expect(checkLines(settlement)).toEqual({ hash, problems: [] });
    const draws = [{ customer: wallet, ...line, cumulative: '6' }];
    for (const changed of [{ draws }, { chain_id: 8 }, { vault: receiver }])
      expect(checkLines({ ...settlement, ...changed }).problems).toHaveLength(1);
    const broken = [{ customer: 'nobody', ...line }];
    expect(checkLines({ ...settlement, draws: broken }).problems).toEqual(['its lines are not what a vault takes']);
  });
});

test.each([
  ['https://node.example.com/key', true],
  ['http://127.0.0.1:8545', true],
  ['http://node.example.com', false],
  ['https://me:secret@node.example.com', false],
  ['ws://127.0.0.1:8545', false],
  ['node', false],
])('%s: an address of a node: %s', (text, isOne) => {
  expect(nodeAddress(text) !== undefined).toBe(isOne);
});
