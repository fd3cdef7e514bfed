import type { Caller, Input } from './caller.js';
import { pagesOf, type Pages } from './pages.js';
import type { Earnings, Provider } from './shapes.js';
import { timeOf } from './time-of.js';
import type { Payouts, ProviderJobs } from './types.generated.js';

export type ProviderJob = ProviderJobs['jobs'][number];
/** What a wallet was paid, as an operator wrote it down. */
export type Payout = Payouts['payouts'][number];

/** Columns of the same length; null where there is no sample. */
export interface ProviderUsage {
  step_s: number;
  from: string;
  [column: string]: unknown;
}

export interface Prices {
  /** Tokens per GPU and hour, by type. */
  gpu?: Record<string, number>;
  /** Tokens per core and hour. */
  cpu?: number;
  /** Tokens per GB and hour. */
  memory_gb?: number;
  /** Tokens per GB of disk and hour. */
  storage_gb?: number;
}

/** How a provider's owner, or with `asOperator` an operator, who signs, acts. */
export interface Acting {
  asOperator?: boolean;
}

type Period = { from?: Date | string; to?: Date | string; by?: 'day' | 'job' };

export interface ProvidersApi {
  list(query?: { wallet?: string; limit?: number }): Pages<Provider>;
  search(query?: Record<string, string | number>): Promise<{ providers: Provider[]; count: number }>;
  gpuAvailability(query?: Record<string, string | number>): Promise<unknown>;
  get(id: string): Promise<Provider>;
  /** Your own, with what only their owner sees. */
  mine(): Promise<Provider[]>;
  jobs(id: string, query?: { status?: 'active' | 'all' }): Pages<ProviderJob>;
  /** Of one provider, or with no id of all that are yours. */
  earnings(id?: string, period?: Period): Promise<Earnings>;
  /** What the wallet was paid for what its providers earned, newest first. */
  payouts(): Pages<Payout>;
  usage(id: string, range?: '24h' | '7d' | '30d'): Promise<ProviderUsage>;
  /** No new jobs; those that run go on. */
  cordon(id: string, options?: Acting): Promise<Provider>;
  uncordon(id: string, options?: Acting): Promise<Provider>;
  /** No new jobs, and those that run end by the deadline, if there is one. */
  drain(id: string, options?: Acting & { deadlineS?: number }): Promise<Provider>;
  /** As drain; then its node leaves the cluster. */
  retire(id: string, options?: Acting & { deadlineS?: number }): Promise<Provider>;
  /** Claims a provider that registered without a signature. */
  claim(id: string, signed: { message: unknown; signature: string }): Promise<unknown>;
  /** Hands the wallet's delegation to a machine that waits for it. */
  delegate(id: string, delegation: { reg: string; regsig: string }): Promise<unknown>;
  /** For new jobs, above what the agent says, until `clearPrices`. */
  setPrices(id: string, prices: Prices): Promise<unknown>;
  clearPrices(id: string): Promise<unknown>;
}

export interface MiningApi {
  get(id: string): Promise<unknown>;
  /** Lets idle GPUs mine; settings stand until the next registration. */
  start(id: string, settings?: unknown, options?: Acting): Promise<unknown>;
  stop(id: string, options?: Acting): Promise<unknown>;
  /** Totals of all providers. */
  metrics(): Promise<unknown>;
}

export function createProviders(caller: Caller): ProvidersApi {
  const { call } = caller;
  return {
    list: ({ wallet, limit } = {}) =>
      pagesOf(async (cursor) => {
        const page = await call<{ providers: Provider[]; next_cursor?: string }>('GET /api/v1/providers', {
          query: { wallet, limit, cursor },
        });
        return { items: page.providers, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
      }),
    search: (query = {}) => call('GET /api/v1/providers/search', { query }),
    gpuAvailability: (query = {}) => call('GET /api/v1/providers/gpu-availability', { query }),
    get: (id) => call('GET /api/v1/providers/:id', { params: { id } }),
    mine: () =>
      pagesOf(async (cursor) => {
        const page = await call<{ providers: Provider[]; next_cursor?: string }>('GET /api/v1/me/providers', {
          query: { cursor },
        });
        return { items: page.providers, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
      }).all(),
    jobs: (id, { status } = {}) =>
      pagesOf(async (cursor) => {
        const page = await call<{ jobs: ProviderJob[]; next_cursor?: string }>('GET /api/v1/providers/:id/jobs', {
          params: { id },
          query: { status, cursor },
        });
        return { items: page.jobs, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
      }),
    earnings: (id, period = {}) =>
      id === undefined
        ? call('GET /api/v1/me/earnings', { query: periodQuery(period) })
        : call('GET /api/v1/providers/:id/earnings', { params: { id }, query: periodQuery(period) }),
    payouts: () =>
      pagesOf(async (cursor) => {
        const page = await call<Payouts>('GET /api/v1/me/earnings/payouts', { query: { cursor } });
        return { items: page.payouts, ...(page.next_cursor === undefined ? {} : { next: page.next_cursor }) };
      }),
    usage: (id, range) => call('GET /api/v1/providers/:id/usage', { params: { id }, query: { range } }),
    cordon: (id, options) => call('POST /api/v1/providers/:id/cordon', commandTo(id, options)),
    uncordon: (id, options) => call('POST /api/v1/providers/:id/uncordon', commandTo(id, options)),
    drain: (id, options) => call('POST /api/v1/providers/:id/drain', commandTo(id, options)),
    retire: (id, options) => call('POST /api/v1/providers/:id/retire', commandTo(id, options)),
    claim: (id, body) => call('POST /api/v1/providers/:id/claim', { params: { id }, body }),
    delegate: (id, body) => call('PUT /api/v1/providers/:id/delegation', { params: { id }, body }),
    setPrices: (id, body) => call('PUT /api/v1/providers/:id/prices', { params: { id }, body }),
    clearPrices: (id) => call('DELETE /api/v1/providers/:id/prices', { params: { id } }),
  };
}

export function createMining({ call }: Caller): MiningApi {
  return {
    get: (id) => call('GET /api/v1/providers/:id/mining', { params: { id } }),
    start: (id, body, options) => call('POST /api/v1/providers/:id/mining/start', { ...commandTo(id, options), body }),
    stop: (id, options) => call('POST /api/v1/providers/:id/mining/stop', commandTo(id, options)),
    metrics: () => call('GET /api/v1/mining/metrics'),
  };
}

function periodQuery({ from, to, by }: Period) {
  return { from: timeOf(from), to: timeOf(to), by };
}

function commandTo(id: string, { asOperator = false, deadlineS }: Acting & { deadlineS?: number } = {}): Input {
  return {
    params: { id },
    ...(asOperator ? { auth: 'signed' } : {}),
    ...(deadlineS === undefined ? {} : { body: { deadline_s: deadlineS } }),
  };
}
