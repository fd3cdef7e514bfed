import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { agreeOnPrice, orderAtPrice } from '../../src/cli/agree-on-price.js';
import type { Context } from '../../src/cli/context.js';
import { money } from '../../src/words/money.js';
import type { Wanted } from '../../src/cli/order.js';
import { connect } from '../../src/client/index.js';
import type { Order, Quote } from '../../src/client/shapes.js';
import { json, problem, startFalseBroker, type FalseBroker } from '../support/false-broker.js';

let broker: FalseBroker;
beforeAll(async () => void (broker = await startFalseBroker()));
afterEach(() => void broker.received.splice(0));
afterAll(() => broker.stop());

const wanted: Wanted = {
  order: { gpu_type: 'RTX 4090', duration_hours: 1, job_name: 'train', ssh_key_ids: ['one'] },
  gpus: '1 × RTX 4090',
  market: [],
};
const quoted = (id: string, tenths: number) =>
  ({
    ...{ can_start: true, quote_id: id, binding: true },
    cost: { expected: `${tenths}00000000000000000`, at_most: `${tenths}00000000000000000` },
  }) as unknown as Quote;

/** A person at a program that cannot ask, with what he was shown. */
function shopper() {
  const shown: string[] = [];
  const client = connect({ api: broker.url, token: 'wlb_x', retries: 0 });
  const context = {
    client: async () => client,
    site: async () => ({ jobs: { defaults: { cpu_cores: 4, memory_gb: 16, storage_gb: 20, duration_hours: 1 } } }),
    money: async () => money({ symbol: 'WLC', decimals: 18 } as never),
    settings: { confirm_above: 1 },
    screen: { canAsk: false, note: (line: string) => void shown.push(line) },
  } as unknown as Context;
  const steps = { tell: never, underWay: never, pause: () => undefined, goOn: () => undefined, stop: never };
  const order = async (quote: Quote, isYes = false) =>
    await orderAtPrice(context, wanted, quote, {
      ...{ isYes, steps },
      send: async (sent: Order) => (await client.jobs.create(sent, { wait: 0 })).job.job_id,
    });
  return { context, shown, order };
}
function never(): never {
  throw new Error('is not asked for');
}
const sentIds = () =>
  broker.received
    .filter(({ target }) => target === '/api/v1/jobs')
    .map(({ body }) => (JSON.parse(body) as Order).quote_id);
const made = json(202, { job_id: 'j' });
const expired = problem(409, 'quote_expired');

test('an order goes by the quote that was shown, and by none where the broker makes none', async () => {
  const { order, shown } = shopper();
  broker.answer(made);
  expect(await order(quoted('first', 5))).toBe('j');
  const { quote_id: _, ...old } = quoted('none', 5);
  await order(old as Quote);
  expect([sentIds(), shown]).toEqual([['first', undefined], []]);
});

test('a quote that expired meanwhile is asked for again, without a word while the price is no higher', async () => {
  const { order, shown } = shopper();
  broker.answer(expired, json(200, quoted('second', 5)), made);
  expect(await order(quoted('first', 5))).toBe('j');
  expect([sentIds(), shown]).toEqual([['first', 'second'], []]);
  // A quote needs no key.
  expect(JSON.parse(broker.received[1]!.body)).toEqual({
    ...{ gpu_type: 'RTX 4090', duration_hours: 1, job_name: 'train' },
  });
});

test('a price that went up is shown, and above what may be spent unasked nothing is rented without -y', async () => {
  const { order, shown } = shopper();
  broker.answer(expired, json(200, quoted('second', 11)), made);
  await expect(order(quoted('first', 5))).rejects.toThrow(/more than the 1 of confirm_above/);
  expect([sentIds(), shown]).toEqual([['first'], [expect.stringContaining('The price has gone up: 1 × RTX 4090')]]);
  broker.answer(expired, json(200, quoted('second', 11)), made);
  expect(await order(quoted('first', 5), true)).toBe('j');
});

test('quotes that expire again and again end with that reason', async () => {
  const { order } = shopper();
  broker.answer(...[1, 2].flatMap(() => [expired, json(200, quoted('next', 5))]), expired);
  await expect(order(quoted('first', 5))).rejects.toMatchObject({ code: 'quote_expired' });
  expect(sentIds()).toHaveLength(3);
});

test('a price within what may be spent unasked is agreed to', async () => {
  const { context, shown } = shopper();
  await agreeOnPrice(context, wanted, quoted('first', 9), { isYes: false });
  expect(shown).toEqual([expect.stringContaining('0.90 WLC')]);
});
