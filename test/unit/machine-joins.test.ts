import { describe, expect, test } from '@jest/globals';
import { idProblem, joinCommands, joinStep } from '../../console/machines/join-commands.js';
import { drawn, lastOf, runsOf } from '../../console/machines/usage-columns.js';

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
