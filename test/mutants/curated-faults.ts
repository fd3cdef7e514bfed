/** A hand-made fault: a text that occurs once in the file, and its replacement. */
export interface CuratedFault {
  file: string;
  was: string;
  becomes: string;
}

/**
 * Faults of the kinds that tests have missed before, in the places where they would cost most. If a text is no longer in
 * its file, the run ends: update the text, or remove the fault together with its subject.
 */
export const curatedFaults: Readonly<Record<string, readonly CuratedFault[]>> = {
  'rounding and units': [
    {
      file: 'src/wire/charge.ts',
      was: '(rate * BigInt(billedMs)) / msPerHour',
      becomes: '(rate * BigInt(billedMs) + msPerHour - 1n) / msPerHour',
    },
    { file: 'src/domain/billing.ts', was: '+ msPerHour - 1n) / msPerHour', becomes: ') / msPerHour' },
    {
      file: 'src/domain/pricing.ts',
      was: '* 1024n + BigInt(order.memoryMb)',
      becomes: '* 1000n + BigInt(order.memoryMb)',
    },
    { file: 'src/domain/pricing.ts', was: '+ BigInt(order.cpuCores) * cpu +', becomes: '+' },
    { file: 'src/domain/pricing.ts', was: '+ BigInt(order.storageGb) * storage;', becomes: ';' },
    {
      file: 'src/domain/pricing.ts',
      was: 'floor > highest ? floor : highest',
      becomes: 'floor < highest ? floor : highest',
    },
    { file: 'src/domain/pricing.ts', was: 'value.toFixed(priceDecimals)', becomes: 'value.toFixed(2)' },
    { file: 'src/db/offers.ts', was: '${storagePrice}) * 1024', becomes: '${storagePrice}) * 1000' },
    {
      file: 'src/db/candidates.ts',
      was: 'lesser(found, BigInt(row.quoted) + portsRate)',
      becomes: 'found',
    },
    { file: 'src/domain/quote.ts', was: 'chosen === undefined ? bound : dearest(chosen)', becomes: 'bound' },
    { file: 'src/db/offers.ts', was: '${offered}.cheapest * ${amount}', becomes: '${amount}' },
    {
      file: 'src/domain/mining.ts',
      was: '((config.cpuCores || fieldCpuCores) * 1_000) / sharers',
      becomes: '((config.cpuCores || fieldCpuCores) * 1_000)',
    },
  ],
  'a limit, a quota or a scope that is not enforced': [
    {
      file: 'src/api/place-order.ts',
      was: 'usage.gpus + order.gpuCount > config.MAX_GPUS_PER_WALLET',
      becomes: 'usage.gpus > config.MAX_GPUS_PER_WALLET',
    },
    {
      file: 'src/api/place-order.ts',
      was: 'usage.jobs >= config.MAX_JOBS_PER_WALLET',
      becomes: 'usage.jobs > config.MAX_JOBS_PER_WALLET',
    },
    {
      file: 'src/api/place-order.ts',
      was: 'await requireStart(tx, config, order.wallet, usage.starting);',
      becomes: '',
    },
    { file: 'src/api/quote-seal.ts', was: 'timingSafeEqual(given, made)', becomes: 'true' },
    { file: 'src/api/quote-seal.ts', was: 'nowMs >= quote.expiresAtMs', becomes: 'false' },
    { file: 'src/api/quote-seal.ts', was: 'quote?.wallet !== wallet', becomes: 'quote === undefined' },
    { file: 'src/api/middleware/authenticate.ts', was: 'rule!.operators === true && granted', becomes: 'granted' },
    {
      file: 'src/api/middleware/authenticate.ts',
      was: "rule!.auth === 'signed' && principal.kind !== 'signed'",
      becomes: 'false',
    },
    {
      file: 'src/api/middleware/rate-limits.ts',
      was: 'await limiter.caller(byWallet[rule!.limit], principal.wallet);',
      becomes: '',
    },
    { file: 'src/auth/customers/authenticate.ts', was: '!isForSignedRequests(scope) && found', becomes: 'found' },
    {
      file: 'src/auth/customers/reserved-scopes.ts',
      was: 'return ADMIN_WALLETS.includes(wallet)',
      becomes: 'return true || ADMIN_WALLETS.includes(wallet)',
    },
    { file: 'src/billing/spend.ts', was: '>= maxExtensions', becomes: '> maxExtensions' },
    {
      file: 'src/billing/spend.ts',
      was: 'expiresAt.getTime() + seconds * 1000 > lastExpiry.getTime()',
      becomes: 'expiresAt.getTime() > lastExpiry.getTime()',
    },
    {
      file: 'src/db/jobs.ts',
      was: 'from jobs where wallet = $1 and ended_at is null`',
      becomes: 'from jobs where wallet = $1 and started_at is not null and ended_at is null`',
    },
  ],
  'a wrong status, answer or suggestion': [
    {
      file: 'src/api/routes/jobs.ts',
      was: "created && job.status === 'running' ? 201 : 200",
      becomes: "job.status === 'running' ? 201 : 200",
    },
    { file: 'src/wire/error-codes.ts', was: 'quota_exceeded: { status: 403', becomes: 'quota_exceeded: { status: 429' },
    {
      file: 'workflows/job-endings.ts',
      was: "outOf('disk_full', 'storage_exceeded', pod)",
      becomes: "outOf('disk_full', 'container_exited', pod)",
    },
    {
      file: 'workflows/job-endings.ts',
      was: "if (pod.phase === 'succeeded') {",
      becomes: "if (pod.phase === 'failed') {",
    },
    { file: 'src/db/provider-row.ts', was: 'p.cordoned or r.free_pods = 0', becomes: 'p.cordoned' },
    { file: 'src/db/provider-row.ts', was: "own > 0 ? 'provider'", becomes: "own >= 0 ? 'provider'" },
  ],
  'a share taken for the whole, or the whole for a share': [
    { file: 'src/domain/registration.ts', was: 'capacity.cpuCores || ', becomes: '' },
    {
      file: 'src/domain/gpu-offers.ts',
      was: 'Math.max(known.pricePerHour, pricePerHour)',
      becomes: 'known.pricePerHour',
    },
    { file: 'src/domain/gpu-offers.ts', was: 'count: known.count + count', becomes: 'count' },
    { file: 'src/domain/placement.ts', was: 'Math.min(offeredAmount, counted ?? 0)', becomes: 'counted ?? 0' },
    {
      file: 'src/domain/placement.ts',
      was: 'Math.min(count, counted - heldElsewhere(type, resource))',
      becomes: 'Math.min(count, counted)',
    },
    { file: 'src/db/candidates.ts', was: 'max(r.total - r.rented)::int', becomes: 'sum(r.total - r.rented)::int' },
  ],
  'an older message that overwrites a newer one': [
    { file: 'src/db/providers.ts', was: 'where p.registration_at <= excluded.registration_at', becomes: 'where true' },
    { file: 'src/db/providers.ts', was: 'and (capacity_at is null or capacity_at <= $2) for', becomes: 'for' },
    { file: 'src/db/heartbeats.ts', was: 'h.last_heartbeat is null or h.last_heartbeat < b.at', becomes: 'true' },
    {
      file: 'src/db/providers.ts',
      was: 'greatest(h.last_heartbeat, excluded.last_heartbeat)',
      becomes: 'excluded.last_heartbeat',
    },
    { file: 'workflows/provider-watch.ts', was: 'change.at < changedAt', becomes: 'change.at > changedAt' },
    {
      file: 'workflows/provider-watch.ts',
      was: 'if (drainSaidAt !== undefined && drain.at < drainSaidAt) return known;',
      becomes: '',
    },
    { file: 'workflows/pod-observations.ts', was: "if (known.phase === 'gone') return false;", becomes: '' },
    {
      file: 'workflows/pod-observations.ts',
      was: 'Number(observation.resourceVersion) > Number(known.resourceVersion)',
      becomes: 'observation.resourceVersion > known.resourceVersion',
    },
  ],
  'an ended row that comes alive, or an end that is told twice': [
    {
      file: 'src/db/job-changes.ts',
      was: 'is_news from jobs where job_id = $1 and ended_at is null for update',
      becomes: 'is_news from jobs where job_id = $1 for update',
    },
    {
      file: 'src/db/job-changes.ts',
      was: "where job_id = $1 and status in ('pending', 'provisioning')\n       ${counted}",
      becomes: 'where job_id = $1\n       ${counted}',
    },
    {
      file: 'src/db/job-changes.ts',
      was: 'ended_at = clock_timestamp(), updated_at = clock_timestamp()\n        where job_id = $1 and ended_at is null',
      becomes: 'ended_at = clock_timestamp(), updated_at = clock_timestamp()\n        where job_id = $1',
    },
    {
      file: 'src/db/job-changes.ts',
      was: "where job_id = $1 and status = 'pending'",
      becomes: 'where job_id = $1',
    },
    { file: 'src/db/allocations.ts', was: 'where allocations.released_at is null or allocations.vacated', becomes: '' },
    { file: 'src/db/job-changes.ts', was: "env = '{}',", becomes: '' },
  ],
  'a list that loses rows of one moment, or a sort that is reversed': [
    { file: 'src/db/jobs.ts', was: '(j.created_at, j.job_id) < ($3, $4::uuid)', becomes: 'j.created_at < $3' },
    {
      file: 'src/db/jobs.ts',
      was: 'order by j.created_at desc, j.job_id desc',
      becomes: 'order by j.created_at, j.job_id',
    },
    {
      file: 'src/db/jobs.ts',
      was: '($2::text[] is null or j.status = any ($2))',
      becomes: '($2::text[] is null or true)',
    },
    {
      file: 'src/db/provider-reads.ts',
      was: '(p.registered_at, p.provider_id) > ($3, $4)',
      becomes: 'p.registered_at > $3',
    },
    { file: 'src/db/provider-reads.ts', was: 'r.free_gpus desc', becomes: 'r.free_gpus' },
    {
      file: 'src/db/provider-reads.ts',
      was: "'p.registered_at, p.provider_id',",
      becomes: "'p.registered_at desc, p.provider_id',",
    },
    { file: 'src/db/provider-reads.ts', was: 'f.total - f.rented >= need.amount', becomes: 'f.total >= need.amount' },
    { file: 'src/db/provider-reads.ts', was: 'limit $9 offset $10', becomes: 'limit $9 offset ($10 * 0)' },
    { file: 'src/db/candidates.ts', was: ', free_gpus, provider_id`', becomes: ', free_gpus desc, provider_id`' },
    {
      file: 'src/db/auth-sessions.ts',
      was: 'order by s.created_at desc, s.id',
      becomes: 'order by s.created_at, s.id',
    },
  ],
  'a guard of money that is gone': [
    {
      file: 'src/db/auth-charges.ts',
      was: '          and s.revoked_at is null\n          and s.expires_at > now()\n',
      becomes: '          and s.expires_at > now()\n',
    },
    { file: 'src/db/auth-charges.ts', was: '          and s.expires_at > now()\n', becomes: '' },
    {
      file: 'src/db/auth-charges.ts',
      was: 's.reserved + s.spent + charge.reserved <= s.spend_limit',
      becomes: 's.reserved + charge.reserved <= s.spend_limit',
    },
    {
      file: 'src/db/auth-charges.ts',
      was: 's.reserved - charge.reserved + $2::numeric + s.spent <= s.spend_limit',
      becomes: 'true',
    },
    { file: 'src/db/auth-charges.ts', was: ' and c.settled_at is null\n', becomes: '\n' },
    {
      file: 'src/db/auth-charges.ts',
      was: 'least(c.reserved, $2::numeric - due.before)',
      becomes: '($2::numeric - due.before)',
    },
    {
      file: 'src/billing/spend.ts',
      was: " || first?.settled === true) throw new BrokerError('job_ended'",
      becomes: ") throw new BrokerError('job_ended'",
    },
    { file: 'src/billing/spend.ts', was: 'requireSameSeconds(known, seconds);\n    return', becomes: 'return' },
    {
      file: 'src/domain/billing.ts',
      was: 'Math.min(endAtMs, expiresAtMs, podEnd, lastSeen)',
      becomes: 'Math.min(endAtMs, podEnd, lastSeen)',
    },
    { file: 'src/domain/billing.ts', was: '- readyAtMs - missed', becomes: '- readyAtMs' },
    { file: 'src/api/order-rates.ts', was: '{ bound: maximum ?? usual,', becomes: '{ bound: usual,' },
  ],
  'a bound of a session, a token or a key': [
    {
      file: 'src/auth/customers/tokens.ts',
      was: 'Math.min(createdAt.getTime() + ttlSeconds * 1000, principal.expiresAt.getTime())',
      becomes: 'createdAt.getTime() + ttlSeconds * 1000',
    },
    { file: 'src/auth/customers/tokens.ts', was: 'ttlSeconds > config.AUTH_TOKEN_TTL_MAX_S', becomes: 'false' },
    {
      file: 'src/auth/customers/sessions.ts',
      was: "walletKind === 'contract' && message",
      becomes: "walletKind !== 'contract' && message",
    },
    {
      file: 'src/auth/customers/sessions.ts',
      was: ' >= config.AUTH_MAX_SESSIONS',
      becomes: ' > config.AUTH_MAX_SESSIONS',
    },
    { file: 'src/auth/customers/sessions.ts', was: 'challengedAtMs <= loginsVoidBefore.getTime()', becomes: 'false' },
    { file: 'src/auth/customers/authenticate.ts', was: 'requireLive(deps, found.session);', becomes: '' },
    { file: 'src/auth/customers/authenticate.ts', was: 'requireLive(deps, found.token);', becomes: '' },
    {
      file: 'src/auth/customers/authenticate.ts',
      was: '2 * config.AUTH_MAX_SKEW_S + 10',
      becomes: 'config.AUTH_MAX_SKEW_S',
    },
    {
      file: 'src/auth/customers/delegation-policy.ts',
      was: "require(message.audience === config.AUTH_AUDIENCE, 'message.audience'",
      becomes: "require(true, 'message.audience'",
    },
    {
      file: 'src/auth/customers/challenge.ts',
      was: "nonces.useNonce('challenge', message.nonce, 2 * ttlS)",
      becomes: "nonces.useNonce('challenge', message.nonce, 1)",
    },
    {
      file: 'src/db/auth-tokens.ts',
      was: 't.revoked_at is null and t.expires_at > $5) < $7',
      becomes: 't.expires_at > $5) < $7',
    },
    {
      file: 'src/db/auth-tokens.ts',
      was: 's.id = t.session_id and s.wallet = $1`',
      becomes: 's.id = t.session_id and s.wallet is not null and $1 is not null`',
    },
  ],
};
