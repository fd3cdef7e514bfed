import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobHistory } from '../../src/cli/job-history.js';
import { connect } from '../../src/client/index.js';
import { json, startFalseBroker, type FalseBroker } from '../support/false-broker.js';

let broker: FalseBroker;
beforeAll(async () => void (broker = await startFalseBroker()));
afterAll(() => broker.stop());

const eventOf = (seq: number) => ({ seq, job_id: 'j', at: '2026-01-01T00:00:00Z', kind: 'provider_away', text: '' });

test('a history of several pages is read by the cursor of each, which is no number', async () => {
  broker.answer(json(200, { events: [eventOf(1)], next_cursor: 'WyIxIl0' }), json(200, { events: [eventOf(2)] }));
  const found = await jobHistory(connect({ api: broker.url, token: 'wlb_test', retries: 0 }), 'j');
  expect(found.map(({ seq }) => seq)).toEqual([1, 2]);
  const queries = broker.received.map(({ target }) => new URL(target, broker.url).searchParams);
  expect(queries.map((query) => [query.get('cursor'), query.get('after')])).toEqual([
    [null, null],
    ['WyIxIl0', null],
  ]);
});
