import type { ProviderStatus } from '../wire/statuses.js';
import type { Job, Routes, Site } from './types.generated.js';

export type {
  Balance,
  Job,
  JobEvent,
  JobLog,
  JobLogLine,
  Market,
  MarketHistory,
  MarketType,
  Deposits,
  MonthlyCap,
  Offer,
  Quote,
  QuoteOffer,
  Receipt,
  Settlement,
  SettlementSummary,
  Site,
  Statement,
  Template,
  WalletEvent,
  WhyNot,
  Withdrawal,
} from './types.generated.js';

export type { MarketType as MarketGpu } from './types.generated.js';

export type Token = Site['token'];
export type Whoami = Routes['GET /api/v1/auth/me']['reply'];
export type MintedToken = Routes['POST /api/v1/auth/tokens']['reply'];
export type ListedSession = Routes['GET /api/v1/auth/sessions']['reply']['sessions'][number];

/** An amount of base units as a decimal string: a JSON number would lose digits. */
export type BaseUnits = string;

/** `http` unless it says so. */
export interface OrderedPort {
  port: number;
  name?: string;
  protocol?: 'http' | 'https' | 'tcp' | 'udp';
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
  /** A login at the registry of a private image. */
  registry_auth?: { username: string; password: string };
  cpu_cores?: number | string;
  memory_gb?: number | string;
  shm_gb?: number | string;
  storage_gb?: number | string;
  duration_hours?: number;
  ssh_public_keys?: string[];
  ssh_key_ids?: string[];
  env?: Record<string, string>;
  /** What is reached from outside besides SSH. */
  ports?: OrderedPort[];
  /** Fills in what the order leaves out: the id of one of `templates()`. */
  template?: string;
  max_price_per_hour?: number;
  /** Of a quote that binds: the order costs no more than it said. */
  quote_id?: string;
}

/** A job that runs: what logs in is there. */
export type RunningJob = Job &
  Required<Pick<Job, 'provider_id' | 'ssh_host' | 'ssh_port' | 'ssh_user' | 'ssh_command' | 'known_hosts'>>;

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

/** A key that was let in to a job after its order. */
export interface JobSshKey {
  job_id: string;
  /** As the job has it. */
  public_key: string;
  fingerprint: string;
  /** How many keys may log in to the job now. */
  keys: number;
  takes_effect: 'at_start' | 'within_two_minutes';
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
  /** Of `spent`, what was given back. Absent from brokers before this was booked. */
  refunded?: BaseUnits;
  from?: string;
  to?: string;
}

export interface Billing {
  rows: BillingRow[];
  total: { spent: BaseUnits; reserved: BaseUnits; refunded?: BaseUnits };
}

export interface Earnings {
  rows: { key: string; seconds: number; earned: BaseUnits }[];
  total: { earned: BaseUnits; pending: BaseUnits; fee?: BaseUnits; refunded?: BaseUnits };
  /** Waits until the wallet is proven. */
  unclaimed?: BaseUnits;
  /** What the wallet has to come, and was paid. */
  payable?: BaseUnits;
  paid_out?: BaseUnits;
  /** On a site with a chain: in a settlement that is under way, and for the wallet to take out of the vault. */
  in_batch?: BaseUnits;
  withdrawable?: BaseUnits;
  next_batch_at?: string | null;
}

/** A provider as everybody sees it, and with `providers.mine` what only its owner sees. */
export interface Provider {
  provider_id: string;
  status: ProviderStatus;
  state_reason?: string;
  [member: string]: unknown;
}
