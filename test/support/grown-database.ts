import type { Client } from 'pg';

/** How much a database of a site holds that has run for long. */
export interface Grown {
  providers: number;
  /** All of them, those that are not over included. A tenth is of `grownWallet`, and a tenth ran at the first machine. */
  jobs: number;
  openJobs: number;
}

/** The wallet that ordered a tenth of all jobs. */
export const grownWallet = `0x${'0'.repeat(40)}`;
/** The id of a job, by its number from 1 on. The last `openJobs` are not over. */
export const grownJobId = (n: number) =>
  n
    .toString(16)
    .padStart(32, '0')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
export const grownProviderId = (n: number) => `machine-${n}`;

const wallet = (n: string) => `('0x' || lpad(to_hex(${n}), 40, '0'))`;
const jobId = (n: string) => `lpad(to_hex(${n}), 32, '0')::uuid`;
const provider = (n: string) => `('machine-' || ${n})`;

/** Ten GPU types, of which each machine has one; a tenth of the machines has no price of its own. */
const types = `(values
  (0, 'rtx-3060', 'NVIDIA GeForce RTX 3060', 12, 0.08), (1, 'rtx-3090', 'NVIDIA GeForce RTX 3090', 24, 0.16),
  (2, 'rtx-4060-ti', 'NVIDIA GeForce RTX 4060 Ti', 16, 0.12), (3, 'rtx-4090', 'NVIDIA GeForce RTX 4090', 24, 0.4),
  (4, 'rtx-5090', 'NVIDIA GeForce RTX 5090', 32, 0.6), (5, 'l40s', 'NVIDIA L40S', 48, 0.8),
  (6, 'a100-80gb', 'NVIDIA A100-SXM4-80GB', 80, 1.2), (7, 'h100-80gb', 'NVIDIA H100 80GB HBM3', 80, 2.1),
  (8, 'h200-141gb', 'NVIDIA H200', 141, 3), (9, 'rtx-a6000', 'NVIDIA RTX A6000', 48, 0.5)) as t (at, key, model, vram, price)`;

/** The machines of the fleet as `m`: one in twenty is offline. */
const machines = `(
  select n, ${provider('n')} as id, t.key, t.model, t.vram, 1 << (n / 10 % 4) as gpus, 16 << (n / 10 % 4) as cpu,
         65536 << (n / 10 % 4) as memory, 1000 as storage, n % 20 <> 7 as online,
         case when n % 10 = 9 and n / 10 % 10 = 0 then 0 else round(t.price * (0.7 + n * 7919 % 600 / 1000.0), 3) end as price
    from generate_series(1, $1::int) n join ${types} on t.at = n * 31 / 7 % 10) m`;

const fleet = [
  `insert into providers (provider_id, wallet_addr, node_name, status, spec, capacity, offer, cpu_price_per_hour,
                          memory_price_per_gb_hour, node_uid, node_ready, allocatable, heartbeat_alive, architecture,
                          registration_at, registered_at, joined_at)
   select id, ${wallet('n % 500')}, id, case when online then 'available' else 'offline' end,
          jsonb_build_object('hostname', id, 'gpus', (select jsonb_agg(jsonb_build_object('index', i, 'name', model,
            'memoryMb', vram * 1024, 'driverVersion', '550.54', 'cudaVersion', '12.4')) from generate_series(1, gpus) i),
            'cpuCores', cpu, 'totalMemoryMb', memory, 'totalDiskGb', storage, 'region', 'kr-' || n % 17),
          '{}', jsonb_build_object('gpus', jsonb_build_array(jsonb_build_object('type', key, 'model', model, 'count', gpus,
            'pricePerHour', price, 'vramGb', vram)), 'cpuCores', cpu, 'memoryMb', memory, 'storageGb', storage,
            'cpuPricePerHour', 0, 'memoryPricePerGbHour', 0), 0, 0, 'uid', online,
          jsonb_build_object('gpus', gpus, 'cpuCores', cpu, 'memoryMb', memory, 'storageGb', storage, 'pods', 110),
          online, 'amd64', now() - interval '90 days', now() - n * interval '1 minute', now() - interval '80 days'
     from ${machines}`,
  `insert into provider_resources (provider_id, kind, name, model, total, target, price_per_hour, vram_gb, cuda)
   select id, kind, case when kind = 'gpu' then key else '' end, case when kind = 'gpu' then model else '' end, amount, amount,
          case when kind = 'gpu' then price else 0 end, case when kind = 'gpu' then vram end, case when kind = 'gpu' then 1204 end
     from ${machines}, lateral (values ('cpu', cpu), ('gpu', gpus), ('memory', memory), ('pods', 100), ('storage', storage))
          as r (kind, amount)`,
  `insert into provider_heartbeats (provider_id, last_heartbeat, node_ready_at)
   select id, now(), now() from ${machines}`,
  `insert into provider_nodes (node_name, provider_id, generation, certified_at) select id, id, 1, now() from ${machines}`,
  `insert into provider_starts (provider_id, failed_at, wallets) select id, now() - interval '40 days', 1 from ${machines} where n % 9 = 0`,
  `insert into provider_days (provider_id, day, observed_s, online_s)
   select id, current_date - d, 86400, 86400 - n % 900 from ${machines}, generate_series(1, 30) d`,
];

/** What each job leaves behind. Those from number $2 - $3 + 1 on are not over. */
const jobs = `(
  select n, n > $2::int - $3::int as open, case when n % 10 = 0 then 0 else 1 + n % 5000 end as who,
         case when n % 10 = 5 then 1 else 1 + n * 37 % $1::int end as at, now() - ($2::int - n) * interval '800 days' / $2::int as ordered
    from generate_series(1, $2::int) n) j`;
const ended = `case when not open then ordered + interval '1 hour' end`;

const history = [
  `insert into jobs (job_id, wallet, session_id, idempotency_key, request_sha256, image, gpu_type, gpu_count, cpu_cores,
                     memory_mb, storage_gb, duration_s, provider_id, gpu_model, rate, price_per_hour, status, pod_uid,
                     namespace, ssh_public_keys, reserved_amount, created_at, started_at, expires_at, ended_at, event_count,
                     phase, billed_ms)
   select ${jobId('n')}, ${wallet('who')}, ${jobId('1000000000 + who')}, 'key-' || n, repeat('0', 64), 'docker.io/library/debian:12',
          m.key, 1, 1, 1024, 1, 3600, m.id, m.model, 400000000000000000, 0.4,
          case when open then case when n % 10 = 1 then 'provisioning' else 'running' end
               else (array['completed', 'expired', 'cancelled', 'failed'])[1 + n % 4] end,
          'uid-' || n, 'tenant-' || who, '{ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl}', 0,
          ordered, case when n % 10 <> 1 then ordered + interval '1 second' end, ordered + interval '1 hour', ${ended}, 2, 'over', 3600000
     from ${jobs} join (select n as number, id, key, model from ${machines}) m on m.number = j.at`,
  `insert into allocations (job_id, provider_id, wallet, gpu_type, gpu_model, gpu_count, cpu_cores, memory_mb, storage_gb,
                            pods, price_per_hour, node_name, allocated_at, released_at)
   select job_id, provider_id, wallet, gpu_type, gpu_model, 1, 1, 1024, 1, 1, 0.4, provider_id, created_at, ended_at from jobs
    where ended_at is not null or provider_id not in (select provider_id from provider_resources where kind = 'gpu' and total < 8)`,
  `delete from jobs j where ended_at is null and not exists (select from allocations a where a.job_id = j.job_id)`,
  `update provider_resources r set rented = least(h.held * case r.kind when 'memory' then 1024 else 1 end, r.total)
     from (select provider_id, count(*) as held from allocations where released_at is null group by 1) h
    where h.provider_id = r.provider_id`,
  `insert into auth_wallets (wallet) select ${wallet('n')} from generate_series(0, 5000) n`,
  `insert into auth_sessions (id, wallet, session_key, chain_id, wallet_kind, scopes, spend_limit, spent, delegation,
                              signature, created_at, expires_at)
   select ${jobId('1000000000 + n')}, ${wallet('n % 5001')}, ${wallet('1000000000 + n')}, 1, 'eoa', '{}', 1e30, 1, '{}', '', now(),
          now() + case when n <= 5000 then interval '1 day' else interval '-1 year' end
     from generate_series(0, $2::int / 2) n`,
  `insert into auth_charges (job_id, session_id, reserved, ordered, spent, created_at, settled_at, booked, seconds)
   select job_id, session_id, 1000, 1000, case when ended_at is not null then 1000 end, created_at, ended_at,
          case when ended_at is null then 1000 else 0 end, 3600
     from jobs`,
  `insert into job_watches (job_id, next_at) select job_id, now() from jobs where status = 'running' and ended_at is null`,
  `insert into job_events (job_id, seq, wallet, at, kind, text)
   select ${jobId('n')}, seq, ${wallet('who')}, ordered, 'phase', 'A step of this job' from ${jobs}, generate_series(1, 2) seq`,
];

const money = [
  `insert into ledger_accounts (kind, owner, may_owe)
   select kind, ${wallet('n')}, kind = 'customer'
     from generate_series(0, 5000) n, unnest(array['customer', 'reserved', 'provider']) kind`,
  `insert into ledger_entries (key, kind, job_id, at) select 'settle/' || ${jobId('n')}, 'settle', ${jobId('n')}, ordered from ${jobs} where not open`,
  `insert into ledger_lines (entry_id, account_id, amount, balance, at)
   select e.id, a.id, case a.kind when 'reserved' then -1 else 1 end, 0, e.at
     from ledger_entries e join jobs j using (job_id)
     join ledger_accounts a on (a.kind, a.owner) in (('reserved', j.wallet), ('provider', j.wallet))`,
  `insert into receipts (digest, customer, number, previous, job_id, payee, chain_id, message, issued_at)
   select decode(lpad(to_hex(n), 64, '0'), 'hex'), ${wallet('who')}, n, decode(repeat('00', 32), 'hex'), ${jobId('n')},
          ${wallet('at % 500')}, 97, jsonb_build_object('providerId', ${provider('at')}), ordered
     from ${jobs} where not open`,
];

const vault = `97, '0x' || repeat('5', 40)`;
const hash = (n: string) => `'0x' || lpad(to_hex(${n}), 64, '0')`;

/** What settlements and withdrawals left: a thousand settlements, each with a line for some wallets. */
const settled = [
  `insert into receipt_signatures (digest, signer, signature) select digest, ${wallet('1')}, decode(repeat('00', 65), 'hex') from receipts`,
  `insert into wallet_months (wallet, month, charged)
   select ${wallet('who')}, (date '2020-01-01' + make_interval(months => at))::date, 1
     from generate_series(0, 5000) who, generate_series(1, least($2::int / 5000, 60)) at`,
  `insert into batches (chain_id, vault, number, cut_at, last_entry_id, hash, status, ended_at)
   select ${vault}, n, now() - (1001 - n) * interval '1 day', n, ${hash('n')}, 'final', now() - (1000 - n) * interval '1 day'
     from generate_series(1, 1000) n`,
  `insert into batch_lines (chain_id, vault, batch, side, wallet, cumulative)
   select ${vault}, batch, 'draw', ${wallet('n * 77 % 5001')}, batch from generate_series(1, 1000) batch, generate_series(0, $2::int / 2000) n`,
  `insert into chain_tx (purpose, chain_id, to_address, data, signer, nonce, gas, fee, raw, hashes, status)
   select 'batch/' || n, ${vault}, '', ${wallet('1')}, n, 1, '{}', '{"\\x00"}', array[${hash('n')}], 'final'
     from generate_series(1, $2::int / 10) n`,
  `insert into withdrawals (chain_id, vault, wallet, amount, cumulative, request_key, status, asked_at, ended_at)
   select ${vault}, ${wallet('case when n % 10 = 0 then 0 else 1 + n % 5000 end')}, 1, n, n::text, 'taken', now(), now()
     from generate_series(1, $2::int / 2) n`,
];

const messages = [
  `insert into join_tokens (token_id, provider_id, message_id, node_name, created_at, expires_at, deleted_at)
   select lpad(n::text, 6, '0'), ${provider('1 + n % $1::int')}, 'registration/' || n, ${provider('1 + n % $1::int')}, now() - interval '1 day',
          now() - interval '1 day', now() from generate_series(1, least($2::int / 10, 100000)) n`,
  `insert into provider_registrations (message_id, provider_id, registration, wallet, signed, received_at, signalled_at)
   select 'registration/' || n, ${provider('1 + n % $1::int')}, '{}', ${wallet('n % 500')}, true, now() - interval '1 day', now()
     from generate_series(1, least($2::int / 10, 100000)) n`,
  `insert into provider_samples (provider_id, at, gpu, cpu, memory, rented_gpus)
   select ${provider('1 + n % $1::int')}, now() - n / $1::int * interval '5 minutes', 0.5, 0.5, 0.5, 1 from generate_series(1, $2::int) n`,
  `insert into provider_failures (job_id, attempt, provider_id, wallet, reason, failed_at)
   select ${jobId('n')}, 1, ${provider('1 + n % $1::int')}, ${wallet('n % 5000')}, 'x', now() - n * interval '30 days' / ($2::int / 10) from generate_series(1, $2::int / 10) n`,
  `insert into audit_log (actor, ip, action, target, request_id)
   select ${wallet('n % 5000')}, '127.0.0.1', 'job.cancel', n::text, n::text from generate_series(1, $2::int / 2) n`,
  `insert into market_samples (gpu_type, at, total, free)
   select t.key, now() - n * interval '5 minutes', 10, 5 from ${types}, generate_series(1, least($2::int / 40, 25920)) n`,
  `insert into job_logs (job_id, saved_at, log) select job_id, ended_at, 'x' from jobs where ended_at is not null order by job_id desc limit $2::int / 100`,
];

/**
 * Fills an empty database with a fleet, and with what its jobs left behind; by statements of all rows, without checks and
 * triggers. It answers after the planner knows the tables.
 *
 * @param client of an account that may leave out triggers.
 */
export async function growDatabase(client: Client, { providers, jobs, openJobs }: Grown): Promise<void> {
  const sizes = [providers, jobs, openJobs];
  await client.query('set session_replication_role = replica');
  const { rows: indexes } = await client.query<{ name: string; made_by: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as made_by
       from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = 'public'::regnamespace
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid)`,
  );
  // An index is made faster of all rows than row by row.
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  for (const statement of [...fleet, ...history, ...money, ...settled, ...messages]) {
    // Not every statement has every size, and Postgres refuses parameters without a type.
    await client.query(statement.replace(/\$(\d)::int/g, (_, at) => String(sizes[at - 1])));
  }
  for (const { made_by: making } of indexes) await client.query(making);
  await client.query('vacuum analyze');
}
