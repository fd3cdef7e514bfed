import { describe, expect, test } from '@jest/globals';
import { daysProblem, delegationOf, newNonce, nodeKeyIn, nodeKeyProblem } from '../../console/machines/delegation.js';
import { cameIntoService } from '../../console/machines/fresh-machines.js';
import { idProblem, joinCommands, joinStep } from '../../console/machines/join-commands.js';
import { sheetsFor } from '../../console/machines/machine-actions.js';
import { payRows } from '../../console/machines/pay-rows.js';
import { drawn, lastOf, runsOf } from '../../console/machines/usage-columns.js';

import { readDelegation } from '../../src/wire/node-key-delegation.js';

const caHash = `sha256:${'a'.repeat(64)}`;
const owner = `0x${'b'.repeat(40)}`;
const wishes = { broker: 'https://broker.example.com', id: 'my-machine', gpuPrice: '0.50', owner, caHash };

describe('the commands that add a machine', () => {
  test('they name this broker, the machine, its price and the wallet that is paid', () => {
    expect(joinCommands(wishes)).toEqual({
      check: 'sudo provider-agent doctor --broker https://broker.example.com',
      run: `sudo provider-agent run --broker https://broker.example.com --id my-machine --gpu-price 0.50 --owner ${owner} --join yes`,
    });
  });

  test('a broker without TLS is pinned by its cluster', () => {
    expect(joinCommands({ ...wishes, broker: 'http://10.0.0.1:8080' })?.run).toContain(` --ca-hash ${caHash} `);
  });

  test.each([
    [{ broker: 'javascript:alert(1)' }],
    [{ broker: 'https://a.example.com/$(reboot)' }],
    [{ broker: 'https://a.example.com/;reboot' }],
    [{ id: 'a;reboot' }],
    [{ gpuPrice: '1;reboot' }],
  ])('nothing that a shell would read as more than a word gets into them: %j', (bad) => {
    expect(joinCommands({ ...wishes, ...bad })).toBeUndefined();
  });

  test('a wallet or a hash that is none is left out', () => {
    const run = joinCommands({
      ...wishes,
      broker: 'http://10.0.0.1',
      owner: '0x1; reboot',
      caHash: 'sha256:$(x)',
    })?.run;
    expect(run).toBe('sudo provider-agent run --broker http://10.0.0.1 --id my-machine --gpu-price 0.50 --join yes');
  });

  test.each(['my-machine', 'a1b', '0-0', 'a'.repeat(60)])('“%s” is a name', (id) =>
    expect(idProblem(id)).toBeUndefined(),
  );
  test.each(['', 'ab', 'My-machine', '-ab', 'ab-', 'a_b', 'a b c', 'a'.repeat(61)])('“%s” is none', (id) =>
    expect(idProblem(id)).toMatch(/^Use /),
  );

  test('a new machine goes from the signature to its first customer', () => {
    const steps = [
      joinStep(false, undefined),
      joinStep(true, undefined),
      joinStep(true, 'pending'),
      joinStep(true, 'approved'),
      joinStep(true, 'joined'),
      joinStep(true, 'available'),
    ];
    expect(steps).toEqual(['unsigned', 'signed', 'registered', 'joining', 'joining', 'available']);
  });
});

describe('the key that an owner signs for', () => {
  const key = `0x${'aB'.repeat(20)}`;

  test('it is found in the whole line that the agent prints', () => {
    const line = `The owner signs: wl provider authorize atlas --node-key ${key} --api https://broker.example.com`;
    expect(nodeKeyIn(line)).toBe(key.toLowerCase());
    expect(nodeKeyProblem(` ${key}\n`)).toBeUndefined();
  });

  test('two different addresses leave open which one is meant', () => {
    expect(nodeKeyIn(`--node-key ${key} --owner ${owner}`)).toBeUndefined();
    expect(nodeKeyIn(`${key} ${key.toLowerCase()}`)).toBe(key.toLowerCase());
  });

  test.each([`0x${'a'.repeat(64)}`, 'b'.repeat(64)])('a private key is told from an address: %s', (secret) => {
    expect(nodeKeyIn(secret)).toBeUndefined();
    expect(nodeKeyProblem(secret)).toMatch(/private key/);
  });

  test.each(['', '0x12', 'atlas', `0x${'g'.repeat(40)}`])('“%s” is none', (text) => {
    expect(nodeKeyProblem(text)).toMatch(/^Paste the address/);
  });

  test.each(['1', '90'])('%s days are taken', (days) => expect(daysProblem(days)).toBeUndefined());
  test.each(['0', '91', '1.5', '-1', ''])('“%s” days are not', (days) => expect(daysProblem(days)).toBeDefined());

  test('the broker reads what was signed as the agent writes it', () => {
    const message = {
      ...{ nonce: newNonce(), providerId: 'atlas', wallet: owner as `0x${string}`, nodeKey: owner as `0x${string}` },
      ...{
        specHash: `0x${'0'.repeat(64)}` as const,
        audience: 'https://broker.example.com',
        issuedAt: 1,
        expiresAt: 2,
      },
    };
    const { delegation } = delegationOf({ message }, '0x12');
    expect(readDelegation(delegation.reg)).toEqual(message);
    expect(Object.keys(JSON.parse(delegation.reg) as object).slice(0, 3)).toEqual(['providerId', 'wallet', 'nodeKey']);
    expect(delegation.regsig).toBe('0x12');
  });
});

describe('machines while one looks', () => {
  const row = (id: string, status: 'available' | 'offline' | 'busy' | 'joined') => ({ provider_id: id, status });

  test('one that serves and did not before has come into service', () => {
    const before = new Map([
      ['a', 'joined'],
      ['b', 'available'],
      ['c', 'busy'],
    ]);
    const now = [
      row('a', 'available'),
      row('b', 'available'),
      row('c', 'available'),
      row('d', 'available'),
      row('e', 'offline'),
    ];
    expect(cameIntoService(before, now)).toEqual(['a', 'd']);
  });

  test('what is seen first has not come just now', () => {
    expect(cameIntoService(undefined, [row('a', 'available')])).toEqual([]);
  });

  test('what may be done fits the state', () => {
    expect(sheetsFor({ status: 'available', cordoned: false })).toEqual([
      'prices',
      'sign',
      'cordon',
      'drain',
      'retire',
    ]);
    expect(sheetsFor({ status: 'busy', cordoned: true })).toEqual(['prices', 'sign', 'uncordon', 'drain', 'retire']);
    expect(sheetsFor({ status: 'busy', cordoned: true, retiring: true })).toEqual(['prices', 'sign', 'retire']);
    expect(sheetsFor({ status: 'retired', cordoned: true })).toEqual(['sign']);
  });
});

describe('what renting out pays', () => {
  const type = (gpuType: string, median: number | undefined, total: number, free: number) => ({
    ...{
      gpu_type: gpuType,
      name: gpuType,
      aliases: [],
      vram_gb: [],
      total,
      free,
      most_at_one_provider: 1,
      providers: 1,
    },
    price: median === undefined ? null : { min: median, median, max: median },
  });

  test('the dearest comes first, and a type without a price says nothing', () => {
    const rows = payRows(
      [type('a', 0.5, 4, 1), type('b', 2, 0, 0), type('c', undefined, 1, 1), type('d', 0, 1, 1)],
      8,
      2,
    );
    expect(rows.map(({ gpuType }) => gpuType)).toEqual(['b', 'a']);
    expect(rows[1]).toMatchObject({ perHour: 50n, perDay: 1_200n, per30Days: 36_000n, rented: 0.75 });
    expect(rows[0]!.rented).toBe(0);
    expect(payRows([type('a', 1, 1, 1), type('b', 2, 1, 1)], 1, 2)).toHaveLength(1);
  });
});

describe('the use of a machine as it is drawn', () => {
  const usage = {
    from: '2026-11-27T00:00:00.000Z',
    step_s: 300,
    gpu: [10, null, 30, 50, null],
    cpu: [],
    memory: [],
    rented_gpus: [],
  };

  test('several steps become one point, and a step without a heartbeat does not count', () => {
    expect(drawn(usage, 'gpu', 3)).toEqual({ fromMs: Date.parse(usage.from), stepS: 600, values: [10, 40, null] });
    expect(drawn(usage, 'cpu', 3).values).toEqual([]);
  });

  test('no line is drawn over a gap', () => {
    expect(runsOf(usage.gpu)).toEqual([
      { from: 0, values: [10] },
      { from: 2, values: [30, 50] },
    ]);
    expect(lastOf(usage.gpu)).toBe(50);
    expect(lastOf([null])).toBeNull();
  });
});
