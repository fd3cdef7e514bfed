import type { Address, Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { z } from 'zod';
import { connect } from '../client/connect.js';
import { isCode, WorldLandError } from '../client/errors.js';
import type { ForeignReceipt } from '../domain/trusted-receipt.js';
import { providerRegistrationMessage } from '../wire/node-key-delegation.js';
import type { BatchLine } from '../wire/settlement-batch.js';
import type { GuardianSettings } from './config.js';

/** The broker did not answer, or not as a broker does; or what is asked for is not there yet. It is asked again. */
export class NoEvidence extends Error {
  override readonly name = 'NoEvidence';
}

/** What moved money without a receipt, as the broker names it. */
export interface NamedBooking {
  id: string;
  kind: 'claim' | 'payout' | 'payment';
  wallet: Address;
  amount: bigint;
  reference?: string | undefined;
  claimed?: z.output<typeof claim> | undefined;
}

/** A broker, which is a stranger: what it says is bounded in size and time, and read by schemas. */
export interface Broker {
  lines(number: number, signal: AbortSignal): Promise<{ draws: BatchLine[]; credits: BatchLine[] }>;
  /** @param fromMs what was issued by then was seen before. */
  receipts(number: number, fromMs: number, signal: AbortSignal): Promise<{ rows: ForeignReceipt[]; cutAtMs: number }>;
  bookings(number: number, signal: AbortSignal): Promise<NamedBooking[]>;
  /** The keys that it says sign receipts, oldest first. */
  keys(): Promise<string[]>;
  end(): Promise<void>;
}

const wallet = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/)
  .transform((text) => text as Address);
const uint = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,77})$/)
  .transform(BigInt);
const units = uint.refine((value) => value < 1n << 128n, 'is more than the vault can hold');
const mostLines = 20_000;

const settlement = z.object({
  number: z.int(),
  draws: z.array(z.object({ customer: wallet, cumulative: units })).max(mostLines),
  credits: z.array(z.object({ payee: wallet, cumulative: units })).max(mostLines),
});

const batch = z.object({ number: z.int(), cut_at: z.iso.datetime() });
const nextCursor = z.string().max(512).optional();

const receiptPage = z.object({
  receipts: z
    .array(
      z.object({
        typed_data: z.object({
          domain: z.record(z.string(), z.unknown()),
          primaryType: z.string(),
          message: z.unknown(),
        }),
        signatures: z.array(z.object({ signature: z.string().max(132) })).max(10),
      }),
    )
    .max(100),
  batch,
  next_cursor: nextCursor,
});

const claim = z.object({
  provider_id: z.string().max(255),
  delegation: providerRegistrationMessage,
  signature: z
    .string()
    .max(20_000)
    .transform((text) => text as Hex),
  chain_id: z.int().min(1),
});

const bookingPage = z.object({
  bookings: z
    .array(
      z.object({
        id: z.string().regex(/^\d{1,19}$/),
        kind: z.enum(['claim', 'payout', 'payment']),
        wallet,
        amount: uint,
        reference: z.string().max(1_000).optional(),
        claimed: claim.optional(),
      }),
    )
    .max(100),
  batch,
  next_cursor: nextCursor,
});

interface Asked {
  query?: Record<string, string | number | undefined>;
  auth: 'none' | 'signed';
  signal?: AbortSignal | undefined;
}

interface Page {
  batch: z.output<typeof batch>;
  next_cursor?: string | undefined;
}

const keysReply = z.object({
  keys: z.array(z.object({ address: wallet })).max(1_000),
});

/** Of a list: half a million receipts. A broker that sends more is not believed. */
const mostPages = 5_000;
const timeoutMs = 20_000;
const sessionS = 3_600;
const renewals = ['session_expired', 'session_revoked', 'session_unknown', 'not_logged_in', 'scope_denied'];

export function connectBroker({
  brokerUrl,
  issuer,
  key,
}: Pick<GuardianSettings, 'brokerUrl' | 'issuer' | 'key'>): Broker {
  const account = privateKeyToAccount(key);
  const wl = connect({
    api: brokerUrl,
    audience: issuer.audience,
    timeoutMs,
    retries: 2,
    userAgent: 'worldland-guardian',
  });
  let isLoggedIn = false;

  async function get<T>(path: string, schema: z.ZodType<T>, asked: Asked): Promise<T> {
    const parsed = schema.safeParse(await attempt(path, asked));
    if (parsed.success) return parsed.data;
    const { path: at = [], message = '' } = parsed.error.issues[0] ?? {};
    throw new NoEvidence(`the broker's answer to ${path} has another form: ${at.join('.')} ${message}`);
  }

  async function attempt(path: string, { query = {}, auth, signal }: Asked): Promise<unknown> {
    for (let isRepeat = false; ; isRepeat = true) {
      try {
        if (auth === 'signed' && !isLoggedIn) {
          await wl.login({
            wallet: account,
            scopes: ['settlements:read'],
            ttlSeconds: sessionS,
            label: 'guardian',
            ...(signal === undefined ? {} : { signal }),
          });
          isLoggedIn = true;
        }
        return (await wl.request('GET', path, { query, auth, signal })).body;
      } catch (error) {
        if (auth === 'signed' && !isRepeat && isLoggedIn && renewals.some((code) => isCode(error, code))) {
          isLoggedIn = false;
          continue;
        }
        if (!(error instanceof WorldLandError)) throw error;
        throw new NoEvidence(`the broker does not answer ${path}: ${error.message}`.slice(0, 500), {
          cause: error,
        });
      }
    }
  }

  /** All pages of a list; a cursor that comes again would be a circle. */
  async function* pages<P extends Page>(
    path: string,
    schema: z.ZodType<P>,
    { signal, ...query }: { batch: number; from?: string; signal: AbortSignal },
  ): AsyncGenerator<P> {
    const cursors = new Set<string>();
    let cursor: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const found = await get(path, schema, { query: { ...query, limit: 100, cursor }, auth: 'signed', signal });
      if (found.batch.number !== query.batch) throw new NoEvidence(`the broker explains another settlement at ${path}`);
      yield found;
      cursor = found.next_cursor;
      if (cursor === undefined) return;
      if (cursors.has(cursor)) throw new NoEvidence(`the broker's pages of ${path} go in a circle`);
      cursors.add(cursor);
    }
    throw new NoEvidence(`the broker has more than ${mostPages} pages of ${path}`);
  }

  return {
    async lines(number, signal) {
      const found = await get(`/api/v1/settlements/${number}`, settlement, { auth: 'none', signal });
      if (found.number !== number) throw new NoEvidence('the broker shows another settlement');
      return {
        draws: found.draws.map(({ customer, cumulative }) => ({ wallet: customer, cumulative })),
        credits: found.credits.map(({ payee, cumulative }) => ({ wallet: payee, cumulative })),
      };
    },
    async receipts(number, fromMs, signal) {
      const rows: ForeignReceipt[] = [];
      let cutAtMs: number | undefined;
      const query = { batch: number, from: new Date(fromMs).toISOString(), signal };
      for await (const page of pages('/api/v1/admin/receipts', receiptPage, query)) {
        const cutAt = Date.parse(page.batch.cut_at);
        if (cutAtMs !== undefined && cutAt !== cutAtMs) throw new NoEvidence('the broker says two times of one cut');
        cutAtMs = cutAt;
        rows.push(...page.receipts);
      }
      return { rows, cutAtMs: cutAtMs! };
    },
    async bookings(number, signal) {
      const all: NamedBooking[] = [];
      for await (const page of pages('/api/v1/admin/bookings', bookingPage, { batch: number, signal }))
        all.push(...page.bookings);
      return all;
    },
    keys: async () =>
      (await get('/api/v1/receipts/keys', keysReply, { auth: 'none' })).keys.map(({ address }) => address),
    async end() {
      const id = wl.session?.sessionId;
      if (!isLoggedIn || id === undefined) return;
      await wl.request('DELETE', `/api/v1/auth/sessions/${id}`, { auth: 'signed' }).catch(() => undefined);
    },
  };
}
