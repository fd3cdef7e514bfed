import { expect, test } from '@jest/globals';
import { privateKeyToAccount } from 'viem/accounts';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { SigningClock } from '../../src/provider-agent/signing-clock.js';
import { countedAs, isAhead } from '../../src/domain/message-number.js';
import { maxAheadMs, maxLeadMs } from '../../src/wire/message-number.js';

const hourMs = 3_600_000;
/** What time it is where the broker is when a test begins. */
const startMs = 1_795_600_000_000;

/** A machine whose clock can be set while the time goes on. */
function machine(offMs = 0) {
  let passedMs = 0;
  let wallOffMs = offMs;
  const clock = () =>
    new SigningClock(
      () => startMs + passedMs + wallOffMs,
      () => passedMs,
    );
  return {
    /** Of a program that is started now. */
    clock,
    broker: () => startMs + passedMs,
    pass: (ms: number) => (passedMs += ms),
    setWall: (ms: number) => (wallOffMs = ms),
  };
}

const number = (clock: SigningClock) => Number(clock.next());

test.each([9 * hourMs, -9 * hourMs, 200_000, -200_000])(
  'no number comes from a clock that is %i ms off, once the time of the broker is known',
  (offMs) => {
    const { clock, broker, pass } = machine(offMs);
    const agent = clock();
    agent.set(broker());
    pass(1_000);
    expect(number(agent)).toBe(broker());
    expect(agent.now()).toBe(broker());
  },
);

test('numbers that were signed before the clock was corrected are forgotten, and none after it is higher than the time', () => {
  const { clock, broker } = machine(9 * hourMs);
  const agent = clock();
  expect(number(agent)).toBe(broker() + 9 * hourMs);
  agent.set(broker());
  expect(number(agent)).toBe(broker());
});

test.each([9 * hourMs, -9 * hourMs, 90_000, -90_000])(
  'a clock that jumps by %i ms while the program runs moves neither time nor numbers',
  (offMs) => {
    const { clock, broker, pass, setWall } = machine();
    const agent = clock();
    agent.set(broker());
    const before = number(agent);
    setWall(offMs);
    pass(30_000);
    expect(number(agent)).toBe(before + 30_000);
    expect(agent.now()).toBe(broker());
  },
);

test('after a sleep the time is too old, never too new, and numbers rise all the same once the broker says so', () => {
  const { clock, broker, pass } = machine();
  const agent = clock();
  agent.set(broker());
  const before = number(agent);
  // What counts the time stands still in a sleep: the broker is eight hours further.
  pass(100);
  expect(number(agent)).toBe(before + 100);
  agent.set(broker() + 8 * hourMs);
  expect(number(agent)).toBe(broker() + 8 * hourMs);
});

test('a program that is started again with the clock set right has higher numbers than the one before', () => {
  const { clock, broker, pass, setWall } = machine(9 * hourMs);
  const first = clock();
  first.set(broker());
  const last = number(first);
  setWall(0);
  pass(1);
  const second = clock();
  second.set(broker());
  expect(number(second)).toBeGreaterThan(last);
});

test('a clock that is corrected backwards goes on from the numbers that were taken', () => {
  const { clock, broker } = machine();
  const agent = clock();
  agent.set(broker() + 60_000);
  const taken = agent.next();
  agent.took(taken);
  agent.next();
  agent.set(broker());
  expect(number(agent)).toBe(Number(taken) + 1);
});

test('numbers that a broker took while its own clock was wrong are given up when it is right again', () => {
  const { clock, broker } = machine();
  const agent = clock();
  agent.set(broker() + 9 * hourMs);
  agent.took(agent.next());
  agent.set(broker());
  expect(number(agent)).toBe(broker());
});

test('answers about the time that differ by a second change nothing', () => {
  const { clock, broker } = machine();
  const agent = clock();
  agent.set(broker());
  const last = number(agent);
  agent.set(broker() - 1_500);
  expect(number(agent)).toBe(last + 1);
  expect(agent.now()).toBe(broker());
});

test('numbers go on from the one that the broker names, unless it is one that would be refused', () => {
  const { clock, broker } = machine();
  const agent = clock();
  agent.set(broker());
  expect(agent.goOnFrom(broker() + 100_000)).toBe(true);
  expect(number(agent)).toBe(broker() + 100_000);
  expect(number(agent)).toBe(broker() + 100_001);
  for (const next of [broker() + maxLeadMs, broker() + 9 * hourMs, Number.NaN, 2 ** 60])
    expect(agent.goOnFrom(next)).toBe(false);
  expect(number(agent)).toBe(broker() + 100_002);
});

test('without the time of a broker a clock that was set back is followed at once', () => {
  const { clock, broker, setWall } = machine(9 * hourMs);
  const agent = clock();
  agent.next();
  setWall(0);
  expect(number(agent)).toBe(broker());
});

test('the messages and the requests of a machine are numbered together', async () => {
  const nodeKey = privateKeyToAccount(`0x${'22'.repeat(32)}`);
  const clock = new SigningClock(() => startMs);
  const sign = () => providerSigner({ nodeKey, audience: 'https://broker.example.com', clock });
  const data = JSON.stringify({ provider_id: 'gpu-1' });
  const numbers = [];
  // As a new delegation has it: another signer in the same program.
  for (let count = 0; count < 3; count++) numbers.push(Number((await sign()('provider:heartbeat', data))['seq']));
  expect(numbers).toEqual([startMs, startMs + 1, startMs + 2]);
});

test('a number may be five minutes ahead of the time beside it, and a small counter is never ahead', () => {
  const tsS = startMs / 1_000;
  expect(isAhead(startMs + 300_000, tsS)).toBe(false);
  expect(isAhead(startMs + 300_001, tsS)).toBe(true);
  for (const seq of [0, 1, 4_711]) expect(isAhead(seq, tsS)).toBe(false);
});

test('a number that was taken counts as it is, unless no message could have had it when its entry came', () => {
  const arrived = `${startMs}-3`;
  for (const seq of [0, 17, startMs, startMs + maxAheadMs]) expect(countedAs({ seq, entryId: arrived })).toBe(seq);
  expect(countedAs({ seq: startMs + 9 * hourMs, entryId: arrived })).toBe(startMs + maxAheadMs);
  expect(countedAs({ seq: startMs, entryId: '' })).toBe(startMs);
});
