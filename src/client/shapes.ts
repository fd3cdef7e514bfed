import type { JobStatus, ProviderStatus } from '../wire/statuses.js';
import type { Scope } from '../wire/scopes.js';

/** An amount of base units as a decimal string: a JSON number would lose digits. */
export type BaseUnits = string;

export interface Token {
  symbol: string;
  decimals: number;
  settlement?: string;
}

/** Public facts about a broker. */
export interface Site {
  name: string;
  version: string;
  /** The origin that wallets and session keys sign for. */
  audience: string;
  token: Token;
  auth: {
    chain_ids: number[];
    session_ttl_s: number;
    session_ttl_max_s: number;
    token_ttl_max_s: number;
    smart_wallets: boolean;
  };
  jobs: {
    default_image: string;
    min_duration_s: number;
    max_duration_s: number;
    defaults: { cpu_cores: number; memory_gb: number; storage_gb: number; duration_hours: number };
    image_allowlist: string[];
    templates: { id: string; name: string; image: string }[];
  };
  providers: { auth_mode: string; ca_hash?: string; loss_grace_s: number };
  features: string[];
}

/** What to rent. Sizes may be numbers or text with a unit, such as `"16Gi"`. */
export interface Order {
  gpu_type?: string;
  gpu_count?: number;
  min_vram_gb?: number;
  min_cuda?: number | string;
  architecture?: string;
  provider_id?: string;
  exclude_providers?: string[];
  region?: string;
  job_name?: string;
  image?: string;
  cpu_cores?: number | string;
  memory_gb?: number | string;
  shm_gb?: number | string;
  storage_gb?: number | string;
  duration_hours?: number;
  ssh_public_keys?: string[];
  ssh_key_ids?: string[];
  env?: Record<string, string>;
  max_price_per_hour?: number;
}

export interface Job {
  job_id: string;
  job_name?: string;
  status: JobStatus;
  /** Where it is on its way, in the words of events: the kind of the last one. */
  phase?: string;
  message?: string;
  provider_id?: string;
  image: string;
  gpu_type?: string;
  gpu_model?: string;
  gpu_count: number;
  any_gpu_type?: boolean;
  cpu_cores: number;
  memory_gb: number;
  shm_gb?: number;
  storage_gb: number;
  /** For the whole job, in tokens. */
  price_per_hour?: number;
  max_price_per_hour?: number;
  cost?: { spent: BaseUnits; reserved: BaseUnits; per_second: BaseUnits };
  session_id?: string;
  ssh_host?: string;
  ssh_port?: number;
  ssh_user?: string;
  ssh_command?: string;
  ssh_host_key?: string;
  ssh_host_key_fingerprint?: string;
  known_hosts?: string;
  created_at: string;
  started_at?: string;
  expires_at?: string;
  ends_in_s?: number;
  ended_at?: string;
  ended_by?: string;
  failure_reason?: string;
  failure_message?: string;
  suggestion?: { action: string; recommended_memory?: string; recommended_storage?: string; message: string };
}

/** A job that runs: what logs in is there. */
export type RunningJob = Job &
  Required<Pick<Job, 'provider_id' | 'ssh_host' | 'ssh_port' | 'ssh_user' | 'ssh_command' | 'known_hosts'>>;

export interface JobEvent {
  seq: number;
  job_id: string;
  at: string;
  /** `ordered`, `placed`, `image_pulling`, `ssh_ready`, `ended` and others; newer brokers may know more. */
  kind: string;
  text?: string;
  data?: Record<string, unknown>;
}

export interface Offer {
  provider_id: string;
  gpu_type: string;
  gpu_model: string;
  vram_gb?: number | null;
  free_gpus: number;
  total_gpus: number;
  price_per_gpu_hour: number;
  /** For the shape that was asked for. */
  price_per_hour: number;
  cuda?: string | null;
  driver?: string | null;
  region?: string | null;
  free_cpu_cores: number;
  free_memory_gb: number;
  free_storage_gb: number;
  reliability?: number | null;
  can_start: boolean;
  why_not?: unknown;
}

export interface OfferQuery {
  /** Words such as `4090` or `h100`. */
  gpu?: string;
  count?: number;
  minVramGb?: number;
  minCuda?: string | number;
  region?: string;
  cpuCores?: number;
  memoryGb?: number;
  storageGb?: number;
  /** Tokens per GPU and hour. */
  maxPrice?: number;
  minReliability?: number;
  sort?: string;
  /** Those that are full, too. */
  all?: boolean;
  limit?: number;
}

export interface MarketGpu {
  gpu_type: string;
  name: string;
  aliases: string[];
  vram_gb: number[];
  total: number;
  free: number;
  most_at_one_provider: number;
  providers: number;
  price: { min: number; median: number; max: number } | null;
}

export interface Market {
  at: string;
  gpu_types: MarketGpu[];
  total: number;
  free: number;
  providers_online: number;
}

/** Columns of the same length; null where there is no sample. */
export interface MarketHistory {
  gpu_type: string;
  step_s: number;
  from: string;
  total: (number | null)[];
  free: (number | null)[];
  price_min: (number | null)[];
  price_median: (number | null)[];
  price_max: (number | null)[];
}

export interface Quote {
  can_start: boolean;
  price_per_hour?: number | null;
  cost?: { expected: BaseUnits; at_most: BaseUnits } | null;
  offers: Offer[];
  session?: { remaining: BaseUnits; covers: boolean };
  why_not?: { limit: string; asked: unknown; nearest: unknown }[];
  binding: boolean;
}

export interface SshKey {
  key_id: string;
  name: string;
  public_key: string;
  fingerprint: string;
  created_at: string;
}

export interface BillingRow {
  key: string;
  name?: string;
  provider_id?: string;
  gpu_type?: string;
  seconds: number;
  reserved: BaseUnits;
  spent: BaseUnits;
  from?: string;
  to?: string;
}

export interface Billing {
  rows: BillingRow[];
  total: { spent: BaseUnits; reserved: BaseUnits };
}

export interface Earnings {
  rows: { key: string; seconds: number; earned: BaseUnits }[];
  total: { earned: BaseUnits; pending: BaseUnits };
}

export interface Whoami {
  wallet: string;
  session_id: string;
  session_key: string;
  token_id?: string;
  kind: 'signed' | 'bearer';
  scopes: Scope[];
  expires_at: string;
  spend_limit: BaseUnits;
  spend_reserved: BaseUnits;
  spend_spent: BaseUnits;
  spend_remaining: BaseUnits;
  may_be_admin?: boolean;
}

export interface MintedToken {
  token: string;
  token_id: string;
  scopes: Scope[];
  expires_at: string;
}

export interface ListedSession {
  session_id: string;
  session_key: string;
  current: boolean;
  live: boolean;
  label?: string;
  chain_id: number;
  wallet_kind: 'eoa' | 'contract';
  scopes: Scope[];
  spend_limit: BaseUnits;
  spend_reserved: BaseUnits;
  spend_spent: BaseUnits;
  created_at: string;
  expires_at: string;
  revoked_at?: string;
  last_used_at?: string;
  tokens: { token_id: string; scopes: Scope[]; expires_at: string }[];
}

/** A provider as everybody sees it, and with `providers.mine` what only its owner sees. */
export interface Provider {
  provider_id: string;
  status: ProviderStatus;
  state_reason?: string;
  [member: string]: unknown;
}
