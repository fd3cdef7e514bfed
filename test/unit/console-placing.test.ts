import { describe, expect, test } from '@jest/globals';
import { buttonState, type Situation } from '../../console/rent/button-state.js';
import { createPlacing, type Desk, type Wish } from '../../console/rent/placing.js';
import { isDearer, riseText } from '../../console/rent/price-change.js';
import { chargedAfter, priceParts } from '../../console/rent/price-parts.js';
import { WorldLandError } from '../../src/client/errors.js';
import type { Order, Quote } from '../../src/client/shapes.js';

const unit = 10n ** 18n;
const base = (tokens: number) => (BigInt(Math.round(tokens * 1000)) * (unit / 1000n)).toString();

function quote(id: string | null, expected: number, changes: Partial<Quote> = {}): Quote {
  return {
    ...{ can_start: true, price_per_hour: expected, rate_per_hour: base(expected), total: base(expected) },
    cost: { expected: base(expected), at_most: base(expected * 1.2) },
    ...{ currency: { symbol: 'WLC', decimals: 18 }, offers: [], why_not: [], why_not_each: true, fee_bps: 500 },
    ...{ binding: id !== null, quote_id: id, expires_at: null },
    ...changes,
  };
}
const nobody = quote(null, 0, { can_start: false, cost: null, rate_per_hour: null });

const order: Order = {
  ...{ gpu_count: 1, image: 'me/mine', env: { HF_TOKEN: 'secret' }, ssh_key_ids: ['1'], job_name: 'a' },
  ...{ registry_auth: { username: 'me', password: 'secret' }, command: ['secret'], args: ['secret'], workdir: '/a' },
  ...{ restart: 'always', end_with_command: false, ports: [{ port: 8080 }], template: 'jupyter' },
};
const meant = { order, region: '' };
const refusal = (code: string, data = {}) => new WorldLandError(code, '', { status: 409, data });
const lost = new WorldLandError('network', 'lost');

/** A broker that answers orders and quotes in turn. */
function desk(answers: (string | Error)[], quotes: Quote[] = [], changes: Partial<Desk> = {}) {
  const sent: string[] = [];
  const asked: Order[] = [];
  let made = 0;
  const placing = createPlacing({
    wallet: async () => '0xa',
    quote: async (need) => {
      asked.push(need);
      return quotes.shift()!;
    },
    create: async ({ quote_id: id, provider_id: provider = '' }, key) => {
      sent.push(`${id} ${key} ${provider}`.trim());
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    allowMore: async () => true,
    newKey: () => `key-${++made}`,
    ...changes,
  });
  const place = async (shown: Quote, wish: Partial<Wish> = {}) =>
    await placing.place({ shown, meant: async () => meant, orderOf: (of) => of.order, ...wish });
  return { sent, asked, place, placing };
}

describe('an order', () => {
  test('names the quote that stands on the page', async () => {
    const { sent, asked, place } = desk(['job']);
    expect(await place(quote('q1', 2))).toBe('job');
    expect([sent, asked]).toEqual([['q1 key-1'], []]);
  });

  test('of somebody who has just connected is quoted for that wallet first, without secrets', async () => {
    const { sent, asked, place } = desk(['job'], [quote('q1', 2)]);
    await place(quote(null, 2));
    expect(sent).toEqual(['q1 key-1']);
    expect(asked).toEqual([{ gpu_count: 1, ports: [{ port: 8080 }], template: 'jupyter' }]);
  });

  test.each(['quote_expired', 'quote_mismatch'])('goes on after %s where it is no dearer', async (code) => {
    const { sent, place } = desk([refusal(code), 'job'], [quote('q2', 1.9)]);
    expect(await place(quote('q1', 2))).toBe('job');
    expect(sent).toEqual(['q1 key-1', 'q2 key-1']);
  });

  test('is not sent at a higher price than was shown, and has the new quote to show', async () => {
    const dearer = quote('q2', 2.1);
    const { sent, place } = desk([refusal('quote_expired'), 'job'], [dearer]);
    await expect(place(quote('q1', 2))).rejects.toMatchObject({ name: 'PriceRefusal', quote: dearer });
    expect(sent).toEqual(['q1 key-1']);
    expect(await place(dearer)).toBe('job');
    expect(sent.at(-1)).toMatch(/^q2 /);
  });

  test('is not sent where nobody takes it any more, or where no price is promised', async () => {
    await expect(desk([], [nobody]).place(quote(null, 2))).rejects.toMatchObject({ name: 'PriceRefusal' });
    await expect(desk([], [quote(null, 2)]).place(quote(null, 2))).rejects.toMatchObject({ code: 'quote_mismatch' });
  });

  test('does not ask for quotes without end', async () => {
    const over = Array.from({ length: 9 }, () => refusal('quote_expired'));
    const { sent, place } = desk(
      over,
      Array.from({ length: 9 }, (_, at) => quote(`q${at}`, 2)),
    );
    await expect(place(quote('q', 2))).rejects.toMatchObject({ code: 'quote_expired' });
    expect(sent).toHaveLength(4);
  });

  test('goes on with the same key and quote after the limit was raised, and ends if it is not', async () => {
    const { sent, place } = desk([refusal('spend_limit_exceeded', { required: '5' }), 'job']);
    expect(await place(quote('q1', 2))).toBe('job');
    expect(sent).toEqual(['q1 key-1', 'q1 key-1']);
    const no = desk([refusal('spend_limit_exceeded', { required: '5' })], [], { allowMore: async () => false });
    await expect(no.place(quote('q1', 2))).rejects.toMatchObject({ code: 'spend_limit_exceeded' });
  });

  test('is nothing where a dialog was closed, or something is missing', async () => {
    expect(await desk([], [], { wallet: async () => undefined }).place(quote('q1', 2))).toBeUndefined();
    expect(await desk([]).place(quote('q1', 2), { meant: async () => undefined })).toBeUndefined();
    expect(await desk([]).place(quote('q1', 2), { orderOf: () => undefined })).toBeUndefined();
  });
});

describe('an order whose answer was lost', () => {
  test('is sent again with its key, by the quote that is shown then', async () => {
    const { sent, place, placing } = desk([lost, lost, 'job', 'other']);
    for (const id of ['q1', 'q2']) await expect(place(quote(id, 2))).rejects.toBe(lost);
    expect(placing.isUnanswered('0xa', meant)).toBe(true);
    expect(await place(quote('q3', 2))).toBe('job');
    expect(sent).toEqual(['q1 key-1', 'q2 key-1', 'q3 key-1']);
    expect(placing.isUnanswered('0xa', meant)).toBe(false);
    // The same once more is meant to be a second job.
    await place(quote('q4', 2));
    expect(sent.at(-1)).toBe('q4 key-2');
  });

  test('keeps its key while its quote has expired and the next one is dearer: the first may still arrive', async () => {
    const { sent, place } = desk([lost, refusal('quote_expired'), 'job'], [quote('q2', 3)]);
    await expect(place(quote('q1', 2))).rejects.toBe(lost);
    await expect(place(quote('q1', 2))).rejects.toMatchObject({ name: 'PriceRefusal' });
    await place(quote('q2', 3));
    expect(sent).toEqual(['q1 key-1', 'q1 key-1', 'q2 key-1']);
  });

  test('is asked for as it was agreed to where nobody has room any more: it may be what has taken it', async () => {
    const { sent, place } = desk([lost, 'job']);
    await expect(place(quote('q1', 2))).rejects.toBe(lost);
    expect(await place(nobody)).toBe('job');
    expect(sent).toEqual(['q1 key-1', 'q1 key-1']);
  });

  test('goes to the machine of its region to which it went first', async () => {
    const { sent, place } = desk([lost, 'job', 'other']);
    const at = (machine: string) => ({ orderOf: () => ({ ...order, provider_id: machine }) });
    await expect(place(quote('q1', 2), at('atlas'))).rejects.toBe(lost);
    await place(quote('q2', 2), at('borealis'));
    await place(quote('q3', 2), at('borealis'));
    expect(sent).toEqual(['q1 key-1 atlas', 'q2 key-1 atlas', 'q3 key-2 borealis']);
  });

  test('has another key once it was refused, once something in it is changed, and for another wallet', async () => {
    let wallet = '0xa';
    const changed = { order: { ...order, job_name: 'b' }, region: '' };
    const { sent, place } = desk([lost, lost, lost, refusal('no_capacity'), 'job'], [], { wallet: async () => wallet });
    await expect(place(quote('q', 2))).rejects.toBe(lost);
    await expect(place(quote('q', 2), { meant: async () => changed })).rejects.toBe(lost);
    wallet = '0xb';
    await expect(place(quote('q', 2))).rejects.toBe(lost);
    wallet = '0xa';
    await expect(place(quote('q', 2))).rejects.toMatchObject({ code: 'no_capacity' });
    await place(quote('q', 2));
    expect(sent.map((each) => each.split(' ')[1])).toEqual(['key-1', 'key-2', 'key-3', 'key-1', 'key-4']);
  });

  test('a double click is one order', async () => {
    const { sent, place } = desk(['job', 'other']);
    expect(await Promise.all([place(quote('q', 2)), place(quote('q', 2))])).toEqual(['job', 'job']);
    expect(sent).toHaveLength(1);
  });
});

describe('a price', () => {
  test('is dearer if either figure is, or if nobody takes the order', () => {
    const shown = quote('q', 2);
    const cost = shown.cost!;
    const less = (BigInt(cost.at_most) - 1n).toString();
    const more = (BigInt(cost.at_most) + 1n).toString();
    expect(isDearer(shown, shown)).toBe(false);
    expect(isDearer(shown, { can_start: true, cost: { ...cost, at_most: less } })).toBe(false);
    expect(isDearer(shown, { can_start: true, cost: { ...cost, at_most: more } })).toBe(true);
    expect(isDearer(shown, { can_start: true, cost: { ...cost, expected: more } })).toBe(true);
    expect(isDearer(shown, nobody)).toBe(true);
    expect(isDearer(nobody, shown)).toBe(true);
  });

  const of = (rate: string, ofOne: number, equivalents = '1') => {
    const offer = { price_per_gpu_hour: ofOne, includes: { gpu_equivalents: equivalents } };
    return quote('q', 1, { rate_per_hour: rate, offers: [offer as Quote['offers'][number]] });
  };
  const tokens = (thousandths: bigint) => (thousandths * unit) / 1000n;

  test('is made of its GPUs, of what else has a price, and of the GPUs that it makes unrentable', () => {
    expect(priceParts(of(base(1.01), 1, '1'), 1)).toEqual([
      { label: '1 GPU', units: tokens(1_000n) },
      { label: 'Cores, memory and disk', units: tokens(10n) },
    ]);
    expect(priceParts(of(base(4), 1, '4'), 2)).toEqual([
      { label: '2 GPUs', units: tokens(2_000n) },
      { label: 'More than its share of the machine: counts as 4 GPUs', units: tokens(2_000n) },
    ]);
    expect(priceParts(of(base(2), 1), 2)).toEqual([{ label: '2 GPUs', units: tokens(2_000n) }]);
    expect(priceParts(of(base(8), 0), 0)).toEqual([{ label: 'An hour', units: tokens(8_000n) }]);
    expect(priceParts(of('3', 0.1 + 0.2), 1)).toEqual([{ label: 'An hour', units: 3n }]);
    expect(priceParts(nobody, 1)).toEqual([]);
  });

  test('of a part of the time is what the receipt would say', () => {
    expect(chargedAfter({ rate_per_hour: '100' }, 1_800)).toBe(50n);
    expect(chargedAfter({ rate_per_hour: '100' }, 1)).toBe(0n);
    expect(chargedAfter({ rate_per_hour: null }, 1)).toBe(0n);
  });
});

describe('what is said of a price that rose', () => {
  const token = { symbol: 'WLC', decimals: 18 };
  const one = 10n ** 18n;
  const cost = (expected: bigint, most: bigint) => ({ expected: String(expected), at_most: String(most) });

  test('names what it is, and what it was', () => {
    expect(riseText(cost(one, 2n * one), cost(2n * one, 4n * one), token)).toBe(
      'It is 2.00 WLC in all now, instead of 1.00 WLC, and 4.00 WLC at most now, instead of 2.00 WLC.',
    );
  });

  test('has all digits where the rise is too small for the usual ones, and nothing of what has not changed', () => {
    expect(riseText(cost(one, 2n * one), cost(one + 1n, 2n * one), token)).toBe(
      'It is 1.000000000000000001 WLC in all now, instead of 1 WLC.',
    );
    expect(riseText(cost(one, 2n * one), cost(one, 2n * one + one / 500n), token)).toBe(
      'It is 2.002 WLC at most now, instead of 2 WLC.',
    );
  });

  test('nothing, where there is no price', () => {
    expect(riseText(null, cost(one, one), token)).toBe('');
  });
});

describe('the button that orders', () => {
  const ready: Situation = {
    ...{ canAct: true, isConnected: true, isWrong: false, isPricing: false, isUnpriced: false },
    ...{ canStart: true, hasChanged: false, isUnanswered: false },
  };
  test.each([
    [{}, 'Rent', false, ''],
    [{ isConnected: false }, 'Connect wallet and rent', false, /signs once/],
    [{ hasChanged: true }, 'Rent at the new price', false, ''],
    [{ canAct: false, isWrong: true }, 'Rent', true, /cannot be reached/],
    [{ isPricing: true, canStart: undefined, isUnpriced: true }, 'Rent', true, /being worked out/],
    [{ isPricing: true }, 'Rent', true, /being worked out/],
    [{ canStart: undefined, isUnpriced: true }, 'Rent', true, /no price/],
    [{ isWrong: true, canStart: undefined, isUnpriced: true }, 'Rent', false, /another value/],
    [{ canStart: false }, 'Rent', true, ''],
    [{ canStart: false, isUnanswered: true }, 'Rent', false, ''],
  ] as const)('%j: %s, off: %s', (changes, label, isOff, words) => {
    expect(buttonState({ ...ready, ...changes })).toEqual({
      ...{ label, isOff },
      words: words === '' ? '' : expect.stringMatching(words),
    });
  });
});
