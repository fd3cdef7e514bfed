import type { Redis } from 'ioredis';
import { z } from 'zod';
import { createReplyVerifier } from '../../auth/broker-key.js';
import type { ProviderIdentityVerifier, ProviderVerifierDeps } from '../../auth/providers/identity.js';
import { networkOf } from '../../auth/networks.js';
import { verifyReader } from '../../auth/providers/reader.js';
import { inTurn } from '../../auth/turns.js';
import type { Config } from '../../config.js';
import { leftDelegations } from '../../db/left-delegations.js';
import { providerRecords } from '../../db/provider-identities.js';
import { BrokerError } from '../../domain/errors.js';
import { senderOf } from '../../domain/provider-message.js';
import { rejectionError } from '../../domain/provider-rejections.js';
import { providerIdSchema } from '../../domain/registration.js';
import { createProviderIngress } from '../../redis/provider-ingress.js';
import { readReplies } from '../../redis/join-answers/reads.js';
import { reportForeign } from '../../redis/foreign.js';
import { responseStream, streams } from '../../wire/streams.js';
import type { Limiter } from '../limiter.js';
import { letThrough } from '../middleware/rate-limits.js';
import { validationFailed } from '../problem.js';
import { replyUncached } from '../reply-uncached.js';
import type { ApiContext, RouteRule } from '../route.js';
import { maxSignatureHex } from '../../wire/shapes.js';
import { providerHeaders } from '../../wire/provider-headers.js';
import { providerMessageKinds } from '../../wire/provider-messages.js';

interface ProviderMessageDeps extends ProviderVerifierDeps {
  config: ProviderVerifierDeps['config'] & Pick<Config, 'AUTH_TARGET_PREFIX'>;
  redis: Redis;
  verifier: ProviderIdentityVerifier;
  limiter: Limiter;
}

/** A check's result, and whether it proves who sent the request. */
interface Checked<T> {
  isProven: boolean;
  value: T;
}

const streamNames = providerMessageKinds.map((kind) => streams[kind]);
/** Signed numbers are text, because the signature covers their notation. */
const field = (maxLength: number) => z.string().max(maxLength);

const messageBody = z.strictObject({
  stream: z.enum(streamNames),
  data: field(60_000).describe('The JSON text of the message, exactly as it was signed'),
  timestamp: z.iso.datetime({ offset: true }),
  v: field(8).optional(),
  key: field(64).optional(),
  seq: field(32).optional(),
  ts: field(32).optional(),
  sig: field(256).optional(),
  reg: field(4_096).optional(),
  regsig: field(maxSignatureHex).optional(),
});

const messageReply = z.object({
  id: z.string().describe('The id of the stream entry; a repeat of the same message returns the same id'),
  stream: z.enum(streamNames),
  server_time: z.int().describe('Unix seconds'),
});

/** The zero id is before all entries; a Redis id has two numbers. */
const entryId = z
  .string()
  .regex(/^(?:0|[0-9]{1,19}-[0-9]{1,19})$/, 'must be the id of a response, or 0')
  .default('0');

const responsesReply = z.object({
  delegations: z
    .array(z.object({ reg: z.string(), regsig: z.string() }))
    .optional()
    .describe("What owners left here for this machine's key: see `PUT …/delegation`"),
  responses: z.array(
    z.object({
      id: z.string(),
      timestamp: z.string(),
      text: z.string().describe('The exact JSON text of `data`, which bsig signs'),
      bsig: z.string().describe("The broker's signature, as JSON: see `broker_keys` of the site"),
      data: z.object({
        success: z.boolean(),
        status: z.string(),
        message: z.string().optional(),
        join_token: z.string().optional(),
        join_command: z.string().optional(),
        master_ip: z.string().optional(),
        master_port: z.int().optional(),
        ca_hash: z.string().optional(),
        node_name: z.string().optional(),
        labels: z.record(z.string(), z.string()).optional(),
        sealed: z
          .string()
          .optional()
          .describe('The fields about joining, encrypted if the registration had an enc_key'),
        token_id: z.string().optional(),
        next_seq: z
          .int()
          .optional()
          .describe('If the number of a registration was used before: the lowest acceptable number'),
      }),
    }),
  ),
  server_time: z.int().describe('Unix seconds'),
});

/** Why a request's proof may be rejected. */
const proofErrors = [
  'auth_required',
  'signature_invalid',
  'delegation_invalid',
  'timestamp_skew',
  'nonce_reused',
  'auth_backend_unavailable',
] as const;

/** The providers' streams for agents that cannot reach Redis: a provider can do here exactly what it can do there. */
export function providerMessageRoutes(deps: ProviderMessageDeps): RouteRule[] {
  const { verifier, redis, limiter, now = Date.now } = deps;
  const ingress = createProviderIngress(redis);
  const isOurs = createReplyVerifier(deps);
  const serverTime = () => Math.floor(now() / 1000);
  const open = { auth: 'none', scopes: [], limit: 'proof' } as const;

  /**
   * Runs a check of a provider's message. If its key speaks for a provider, the request counts for that provider,
   * wherever it comes from; anything else, including a refusal, counts for the address.
   */
  async function checked<T>(ctx: ApiContext, providerId: string, check: () => Promise<Checked<T>>): Promise<T> {
    const network = networkOf(ctx.state.ip);
    const found = await inTurn({ network, who: providerId }, check).catch(async (error: unknown) => {
      if (error instanceof BrokerError && error.status < 500) await limiter.caller('provider_strangers', network);
      throw error;
    });
    if (found.isProven) letThrough(ctx.state);
    else if (ctx.state.overLimit !== undefined) throw ctx.state.overLimit;
    await (found.isProven
      ? limiter.caller('provider_messages', providerId)
      : limiter.caller('provider_strangers', network));
    return found.value;
  }

  /** Whether a key speaks for a provider. */
  async function isOf(providerId: string, key: string | undefined): Promise<boolean> {
    if (key === undefined) return false;
    const { identity } = (await providerRecords(deps.pool, [providerId])).get(providerId)!;
    return identity?.nodeKey === key.toLowerCase();
  }

  return [
    {
      ...open,
      method: 'POST',
      path: '/api/v1/providers/messages',
      summary: 'Send a provider’s message, signed by its node key',
      request: { body: messageBody },
      responses: { 202: { description: 'The message is in its stream', schema: messageReply } },
      errors: [...proofErrors, 'provider_not_yours'],
      handler: async (ctx) => {
        const { stream, ...given } = ctx.state.body as z.output<typeof messageBody>;
        const kind = providerMessageKinds[streamNames.indexOf(stream)]!;
        const sender = senderOf(kind, given.data);
        if ('problem' in sender) throw validationFailed([{ field: 'data', message: sender.problem }]);
        const fields = given as Record<string, string>;
        const { providerId } = sender;
        const known = await checked(ctx, providerId, async () => {
          const before = await ingress.known(stream, fields);
          // Any reader of a message can send it again: that proves nothing.
          if (before !== undefined) return { isProven: false, value: before };
          const verdict = await verifier.dryRun({ stream, fields, providerId });
          if (verdict.accepted) {
            const isProven = verdict.signed && (await isOf(providerId, fields['key']));
            return { isProven, value: undefined };
          }
          // The same message may have arrived and been read meanwhile, so that its number is used.
          const twin = await ingress.known(stream, fields);
          if (twin === undefined) throw rejectionError(verdict.reason, now(), verdict.nextSeq);
          return { isProven: false, value: twin };
        });
        const id = known ?? (await ingress.append(stream, fields));
        replyUncached(ctx, 202, { id, stream, server_time: serverTime() });
      },
    },
    {
      ...open,
      method: 'GET',
      path: '/api/v1/providers/:id/responses',
      summary: 'Read a provider’s answers, with a signature of its node key',
      request: {
        params: z.object({ id: providerIdSchema }),
        query: z.object({ after: entryId }),
        headers: z.object(
          Object.fromEntries(
            Object.values(providerHeaders).map((name) => [
              name,
              z.string().optional().describe('Part of the signature'),
            ]),
          ),
        ),
      },
      responses: { 200: { description: 'The answers after `after`', schema: responsesReply } },
      errors: [...proofErrors],
      handler: async (ctx) => {
        const { id: providerId = '' } = ctx.state.params;
        const { after } = ctx.state.query as { after: string };
        const request = { providerId, target: ctx.req.url ?? '', headers: ctx.req.headers };
        const leftFor = (key: string) => leftDelegations(deps.pool, providerId, key);
        const reader = await checked(ctx, providerId, async () => {
          const found = await verifyReader(deps, request, {
            isAwaited: async (key) => (await leftFor(key)).length > 0,
            targetPrefix: deps.config.AUTH_TARGET_PREFIX,
          });
          return { isProven: found.readsAnswers, value: found };
        });
        const delegations = await leftFor(reader.key);
        const stored = reader.readsAnswers ? await readReplies(redis, providerId, after) : [];
        const responses = [];
        for (const { id, timestamp, reply: data, data: text, bsig } of stored) {
          // Anybody who can write to Redis can write there, too.
          if ((await isOurs(providerId, text, bsig)) === undefined)
            reportForeign(redis, 'answers', responseStream(providerId));
          else responses.push({ id, timestamp, data, text, bsig });
        }
        replyUncached(ctx, 200, {
          responses,
          ...(delegations.length === 0 ? {} : { delegations }),
          server_time: serverTime(),
        });
      },
    },
  ];
}
