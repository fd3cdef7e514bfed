import { createAdminMoney, type AdminMoneyApi } from './admin-money.js';
import type { Caller, Input } from './caller.js';
import { pagesOf, type Pages } from './pages.js';
import type { Job, Provider, Receipt } from './shapes.js';
import { timeOf } from './time-of.js';

/** A job as its operator sees it. */
export interface AdminJob extends Job {
  wallet: string;
  workflow_url?: string;
  pod?: { namespace: string; name: string; node?: string };
}

export interface StuckItem {
  kind: string;
  id: string;
  state: string;
  since: string;
  age_s: number;
  waits_for?: string;
  attempts?: number;
  last_error?: string;
  suggest?: string;
  workflow_url?: string;
}

export interface DeadLetter {
  stream: string;
  id: string;
  at: string;
  orig_id?: string;
  provider_id?: string;
  reason: string;
  data?: string;
}

export interface AuditRow {
  at: string;
  actor: string;
  session_id?: string;
  ip?: string;
  action: string;
  target: string;
  detail?: Record<string, unknown>;
  request_id?: string;
}

export type BlockKind = 'wallet' | 'provider' | 'image';

export interface Block {
  kind: BlockKind;
  value: string;
  reason: string;
  until: string | null;
  blocked_by: string;
  blocked_at: string;
}

/** What operators do. Each request is signed, so the session needs its key and the scope `admin`. */
export interface AdminApi {
  overview(): Promise<Record<string, unknown>>;
  jobs: {
    list(query?: {
      wallet?: string;
      providerId?: string;
      status?: string | readonly string[];
      olderThanS?: number;
    }): Pages<AdminJob>;
    get(jobId: string): Promise<AdminJob>;
    /** Why it failed, in the words of Kubernetes. */
    failure(jobId: string): Promise<Record<string, unknown>>;
    end(jobId: string, options: { reason: string; wait?: number }): Promise<Job>;
  };
  money: AdminMoneyApi;
  /** Receipts of all customers, newest first. */
  receipts(query?: {
    wallet?: string;
    payee?: string;
    jobId?: string;
    status?: 'signed' | 'pending';
    from?: Date | string;
    to?: Date | string;
  }): Pages<Receipt>;
  stuck(): Promise<StuckItem[]>;
  deadLetters(query?: { stream?: string; providerId?: string }): Pages<DeadLetter>;
  audit(query?: { actor?: string; target?: string; action?: string }): Pages<AuditRow>;
  blocks: {
    list(query?: { kind?: BlockKind }): Pages<Block>;
    get(kind: BlockKind, value: string): Promise<Block>;
    put(kind: BlockKind, value: string, block: { reason: string; until?: Date | string | null }): Promise<unknown>;
    remove(kind: BlockKind, value: string): Promise<void>;
  };
  providers: {
    list(query?: { status?: string }): Pages<Provider>;
    approve(id: string, options?: { wallet?: string }): Promise<unknown>;
    /** Places jobs again at a provider that is out after failures. */
    forgive(id: string): Promise<unknown>;
  };
  /** The namespaces of a wallet, or the wallet of a namespace. */
  tenants(of: { wallet: string } | { namespace: string }): Promise<{ namespace: string; wallet: string }[]>;
  rotateBrokerKey(): Promise<unknown>;
}

export function createAdmin(caller: Caller): AdminApi {
  const call = <T>(route: string, input: Input = {}) => caller.call<T>(route, { auth: 'signed', ...input });

  /** Lists of operators have their items under one name of several. */
  const listed = <T>(route: string, name: string, query: Input['query'] = {}): Pages<T> =>
    pagesOf(async (cursor) => {
      const page = await call<Record<string, unknown>>(route, { query: { ...query, cursor } });
      const next = page['next_cursor'];
      return { items: page[name] as T[], ...(typeof next === 'string' ? { next } : {}) };
    });

  return {
    overview: () => call('GET /api/v1/admin/overview'),
    jobs: {
      list: ({ wallet, providerId, status, olderThanS } = {}) =>
        listed('GET /api/v1/admin/jobs', 'jobs', {
          wallet,
          provider_id: providerId,
          status,
          older_than_s: olderThanS,
        }),
      get: (id) => call('GET /api/v1/admin/jobs/:id', { params: { id } }),
      failure: (id) => call('GET /api/v1/admin/jobs/:id/failure', { params: { id } }),
      end: (id, { reason, wait }) =>
        call('DELETE /api/v1/admin/jobs/:id', {
          params: { id },
          body: { reason },
          ...(wait === undefined ? {} : { headers: { prefer: `wait=${wait}` }, timeoutMs: (wait + 30) * 1000 }),
        }),
    },
    money: createAdminMoney(caller),
    receipts: ({ wallet, payee, jobId, status, from, to } = {}) =>
      listed('GET /api/v1/admin/receipts', 'receipts', {
        ...{ wallet, payee, job_id: jobId, status },
        ...{ from: timeOf(from), to: timeOf(to) },
      }),
    stuck: async () => (await call<{ items: StuckItem[] }>('GET /api/v1/admin/stuck')).items,
    deadLetters: ({ stream, providerId } = {}) =>
      listed('GET /api/v1/admin/dead-letters', 'items', { stream, provider_id: providerId }),
    audit: (query = {}) => listed('GET /api/v1/admin/audit', 'items', query),
    blocks: {
      list: ({ kind } = {}) => listed('GET /api/v1/admin/blocks', 'blocks', { kind }),
      get: (kind, value) => call('GET /api/v1/admin/blocks/:kind/:value', { params: { kind, value } }),
      put: (kind, value, { reason, until }) => {
        const time = until === undefined || until === null ? null : new Date(until).toISOString();
        return call('PUT /api/v1/admin/blocks/:kind/:value', {
          params: { kind, value },
          body: { reason, until: time },
        });
      },
      remove: (kind, value) => call('DELETE /api/v1/admin/blocks/:kind/:value', { params: { kind, value } }),
    },
    providers: {
      list: ({ status } = {}) => listed('GET /api/v1/admin/providers', 'providers', { status }),
      approve: (id, body) => call('POST /api/v1/admin/providers/:id/approve', { params: { id }, body }),
      forgive: (id) => call('POST /api/v1/admin/providers/:id/forgive', { params: { id } }),
    },
    tenants: async (query) =>
      (await call<{ tenants: { namespace: string; wallet: string }[] }>('GET /api/v1/admin/tenants', { query }))
        .tenants,
    rotateBrokerKey: () => call('POST /api/v1/admin/broker-keys'),
  };
}
