import type { ErrorCode } from './error-codes.js';
import { jobErrorHelp, type ErrorHelp } from './job-error-help.js';

const repeatLater = 'Send the same request again after `Retry-After`; a `POST` with the same `Idempotency-Key`.';
const logInAgain = 'Log in again: `wl login`.';

/** What each code means to whoever gets it, and what to do about it: the pages at `/docs/errors/`. */
export const errorHelp: Readonly<Record<ErrorCode, ErrorHelp>> = {
  ...jobErrorHelp,
  malformed_request: {
    means: 'The API could not read the request: its path, a header or the JSON of its body is not well-formed.',
    todo: [
      'Read `detail`: it names what could not be read.',
      'Send each header with one value once, and UTF-8 JSON as the body.',
    ],
  },
  validation_failed: {
    means: 'The request is well-formed, but a field has a value that is not allowed, is missing, or is unknown.',
    todo: [
      '`errors` lists every such field with what it must be. Correct all of them, then send the request again.',
      'An unknown field of a query is refused, because ignoring it would answer another question.',
    ],
  },
  payload_too_large: {
    means: 'The body has more than 64 KiB.',
    todo: ['Send a smaller body. Put files into the image or copy them with `wl cp`, not into `env`.'],
  },
  headers_too_large: {
    means: 'The request has more than 64 headers, or more than 8 KiB of them.',
    todo: ['Send fewer headers. Check whether a proxy adds cookies or long headers of its own.'],
  },
  request_timeout: {
    means: 'The headers did not arrive within 10 seconds, or the whole request not within 30.',
    todo: ['Send the request in one go. On a very slow connection, send a smaller body.'],
  },
  unsupported_media_type: {
    means: 'The body is not UTF-8 JSON, or it is compressed.',
    todo: ['Set `Content-Type: application/json`, and no `Content-Encoding`.'],
  },
  method_not_allowed: {
    means: 'The path exists, but not with this method.',
    todo: ['The header `Allow` lists the methods of this path.'],
  },
  rate_limited: {
    means: 'Too many requests of one kind came from your address, your wallet or your provider.',
    todo: [
      'Wait for `retry_after_s` seconds. `limit`, `per`, `allowed` and `window_s` say which limit it is.',
      'If `per` is `address`, others behind the same address may have used it up: send your token also with public reads.',
    ],
  },
  auth_required: {
    means: 'The route needs a credential, and the request has none.',
    todo: [
      'Log in: `wl login`. For a bearer token: `wl login --token`, then send `Authorization: Bearer wlb_…`.',
      'Routes that need a request signature refuse tokens: the page about the route says so.',
    ],
  },
  auth_ambiguous: {
    means: 'The request has a bearer token and a request signature, and the API does not choose between them.',
    todo: ['Send either `Authorization` or the four `X-Session-*` headers.'],
  },
  session_unknown: {
    means: 'The broker does not know the token or the session key.',
    todo: ['Check that the token is complete and belongs to this broker.', logInAgain],
  },
  session_expired: {
    means: 'The session or the token has reached the end of its life. Jobs that it ordered go on until they end.',
    todo: [logInAgain, 'To have longer sessions, choose it at login: `wl login --for 24h`.'],
  },
  session_revoked: {
    means: 'The session or the token was revoked: by its wallet, or by ending all sessions of the wallet.',
    todo: [`${logInAgain} If it was not you who revoked it, look at \`wl sessions ls\` first.`],
  },
  signature_invalid: {
    means: 'The signature does not belong to this request, this key or this wallet.',
    todo: [
      'Sign exactly what is sent: method, target with its query, body and the origin of the broker.',
      'Check that the origin that you sign is the one that `GET /api/v1/site` names, and that no proxy changes the path.',
    ],
  },
  timestamp_skew: {
    means: 'The time in the signature is too far from the clock of the broker.',
    todo: ['Set the clock of this computer, or sign by `server_time` of the reply.'],
  },
  nonce_reused: {
    means: 'A request with this nonce has been answered before. It may be a replay.',
    todo: ['Sign each request anew, with a new random nonce; also when it is repeated.'],
  },
  challenge_invalid: {
    means: 'The message that the wallet signed is unknown, was used before, or took longer than the broker accepts it.',
    todo: ['Begin the login again, and sign within five minutes: `wl login`.'],
  },
  insufficient_funds: {
    means:
      'This site is paid in advance: what the wallet has deposited, and allowed the vault to draw, does not cover the order.',
    todo: [
      'Deposit what is `missing`: call `deposit` of the contract in `deposit`, with a cap. It counts once its block is final.',
      'If there is enough, raise the cap: `raiseCap` of the same contract. `GET /api/v1/billing/deposits` has all figures.',
    ],
  },
  settlement_stalled: {
    means:
      'What customers were charged has not been drawn on the chain for days, so this site takes no new orders. Jobs that run go on, and can be extended.',
    todo: ['Try again later. The operator of the site is told; `GET /api/v1/settlements` shows the last settlement.'],
  },
  exit_pending: {
    means:
      'The wallet has asked the vault to give out everything. Until it has, or calls that off, nothing new can be ordered.',
    todo: [
      'Call `cancelExit` of the vault to go on, or `exit` once its time has come. Jobs that run end at `jobs_end_at`, which `GET /api/v1/billing/deposits` names: before the exit, so that they are paid for.',
    ],
  },
  withdrawal_pending: {
    means:
      'The wallet has asked for a withdrawal that the vault can still pay out, so there cannot be another one yet.',
    todo: [
      'Send the call of the one that is there: `GET /api/v1/billing/deposits` has it as `withdrawing`.',
      'Or wait: its money comes back after its deadline, once a block that is later is final.',
    ],
  },
  chain_off: {
    means: 'This site takes no deposits: it has no vault on a chain, so there is nothing to settle or to withdraw.',
    todo: ['See `GET /api/v1/billing/balance` for what you have and owe, and ask the operator how to pay.'],
  },
  scope_denied: {
    means: 'The credential is good, but its session does not have the right that this route needs.',
    todo: [
      'Log in with the scope that the route names: `wl login --scopes jobs:read,jobs:write`.',
      'The scope `admin` is for the wallets that the operator of the site lists: `wl login --admin`.',
    ],
  },
  blocked: {
    means:
      'The operator of this site has blocked the wallet, the provider or the image. `detail` says which, why and until when.',
    todo: [
      'Ask the operator if you think that this is a mistake. Jobs that run go on until they end.',
      'Where it is the image or the provider, order with another one.',
    ],
  },
  spend_limit_exceeded: {
    means: 'The order costs more than what is left of the amount that the wallet allowed this session.',
    todo: [
      'Log in with a higher limit: `wl login --spend-limit 25`. Running jobs stay on the session that ordered them.',
      'Or order less: fewer hours, fewer GPUs, or a cheaper one. `required` and `remaining` are in the reply.',
    ],
  },
  monthly_cap_reached: {
    means:
      'The wallet has set itself a cap for each month, and what was charged this month, what is reserved for its jobs and this order together are above it.',
    todo: [
      'Wait until `resets_at`, when the month turns (UTC), or until a job ends: what it does not use of its reservation counts no more.',
      'Or order less: `required` and `remaining` are in the reply. Running jobs go on until they end.',
      'Or raise the cap: `wl cap 50`. Your wallet has to sign that.',
    ],
  },
  quota_exceeded: {
    means:
      'The wallet or the session has as many of something as it may have: jobs, sessions, tokens, SSH keys or event streams.',
    todo: [
      'Read `detail`: it names what there is too much of.',
      'End what you no longer need: `wl down`, `wl sessions end`, `wl tokens rm`, `wl keys rm`. Close streams.',
    ],
  },
  auth_backend_unavailable: {
    means: 'The broker cannot check signatures right now, because a system that it needs for that is away.',
    todo: [repeatLater, 'Bearer tokens go on working meanwhile.'],
  },
  not_found: {
    means: 'The API has no route with this path.',
    todo: ['Compare the path with the [reference](/docs/reference/). Paths of the API begin with `/api/v1`.'],
  },
  job_not_found: {
    means: 'There is no job with this id, or it belongs to another wallet.',
    todo: ['List your jobs: `wl ls -a`. Log in with the wallet that ordered it.'],
  },
  settlement_not_found: {
    means: 'No settlement with this number has been proposed.',
    todo: ['`GET /api/v1/settlements` lists them. One that was cut is public once it is proposed.'],
  },
  receipt_not_found: {
    means: 'Your wallet has no receipt with this digest, or the job has none: it has not ended, or SSH never answered.',
    todo: ['List your receipts: `wl receipts`. A job that was never ready costs nothing and has no receipt.'],
  },
  ssh_key_not_found: {
    means: 'Your wallet keeps no SSH key with this id.',
    todo: ['List your keys: `wl keys ls`. Add one with `wl keys add FILE`, or send it in `ssh_public_keys`.'],
  },
  provider_not_found: {
    means: 'There is no provider with this id.',
    todo: ['List the offers: `wl offers --all`. The id is the one that the machine registered with.'],
  },
  session_not_found: {
    means: 'The wallet has no session with this id.',
    todo: ['List the sessions: `wl sessions ls`.'],
  },
  token_not_found: {
    means: 'The wallet has no token with this id.',
    todo: ['List the tokens: `wl tokens ls`.'],
  },
  idempotency_conflict: {
    means: 'This `Idempotency-Key` was used before, with another request.',
    todo: ['Use a new key for a new order. Repeat an order with its key and with exactly the same body.'],
  },
  session_key_in_use: {
    means: 'The session key already belongs to a session.',
    todo: ['Make a new session key for each login: `wl login` does.'],
  },
  delegation_invalid: {
    means:
      'The key that signed does not speak for the provider: no wallet has authorized it, or another key took its place.',
    todo: [
      'Have the owner’s wallet authorize the key of the machine: `wl provider authorize ID --node-key 0x…`.',
      'Use the authorization within ten minutes. A new key of a machine needs a new one.',
    ],
  },
  provider_not_yours: {
    means: 'The provider belongs to another wallet.',
    todo: ['Log in with the wallet that the provider registered with. `wl provider ls` lists those of a wallet.'],
  },
  approval_not_needed: {
    means: 'The provider is not waiting for an approval.',
    todo: ['Nothing: it is approved, has its own key, or is gone. `wl provider show ID` tells.'],
  },
  provider_retired: {
    means: 'The provider is retired, or is about to be. It gets no more jobs and no more orders.',
    todo: ['To rent the machine out again, register it anew: start `provider-agent run` on it.'],
  },
  mining_off: {
    means: 'Mining is switched off on this site.',
    todo: ['Only the operator of the site can switch it on.'],
  },
  dependency_unavailable: {
    means: 'A system that the broker needs does not answer, or did not answer in time.',
    todo: [
      repeatLater,
      'Running jobs go on. `GET /ready` names what is away.',
      'Without an `Idempotency-Key`, look first whether the request was carried out: `wl ls`.',
    ],
  },
  internal_error: {
    means: 'The broker has made a mistake. It was recorded under the `request_id` of the reply.',
    todo: [
      'Send the same request once more; a `POST` with the same `Idempotency-Key`.',
      'If it comes again, tell the operator of the site the `request_id`.',
    ],
  },
};
