// Made by `npm run client:types` of the route table. Do not edit.

export interface AdminJob {
  job_id: string;
  job_name?: string;
  status:
    | 'pending'
    | 'provisioning'
    | 'running'
    | 'ending'
    | 'completed'
    | 'expired'
    | 'cancelled'
    | 'failed'
    | 'provider_lost';
  /** The last step. Those between `placed` and `ssh_ready` are told by the machine, and may be left out */
  phase:
    | 'ordered'
    | 'placed'
    | 'pod_created'
    | 'image_pulling'
    | 'image_pulled'
    | 'container_started'
    | 'ssh_ready'
    | 'provider_away'
    | 'ending'
    | 'ended';
  message?: string;
  provider_id?: string;
  /** As it was ordered */
  image: string;
  /** What it was when it was ordered, and what runs; absent if its registry did not answer */
  image_digest?: string;
  /** How much of it a machine loads that has none of it yet */
  image_size_gb?: number;
  gpu_type?: string;
  /** True if the order named no GPU type: it got the cheapest that fitted */
  any_gpu_type: boolean;
  /** The provider's name for it */
  gpu_model?: string;
  gpu_count: number;
  cpu_cores: number;
  memory_gb: number;
  /** How much of the memory `/dev/shm` may use */
  shm_gb: number;
  storage_gb: number;
  /** Its main program, if the order has one; not what it runs */
  program?: JobProgram;
  /** What it opens besides SSH, as it was ordered; absent if nothing */
  ports?: JobPort[];
  /** Their part of `price_per_hour`; absent if they cost nothing */
  ports_price_per_hour?: number;
  /** While it runs, where its ports are reached. `http` is not encrypted: see docs/api.md */
  endpoints?: Endpoint[];
  /** The id of the template that it was ordered with */
  template?: string;
  /** Where the page of its program is, in the job; reached by an endpoint of this port, else by `ssh -L` */
  template_page?: {
    port: number;
    path: string;
  };
  /** What its program asks for. A secret of the job, for its owner with `jobs:write` while it has not ended */
  template_token?: string;
  /** How the program takes it: in its URL, as `Authorization: Bearer`, or typed into its page */
  template_token_used_as?: 'query' | 'bearer' | 'password';
  /** For the whole job with its ports, in token units */
  price_per_hour?: number;
  /** The maximum in the order, or the one that the broker set from the offers of that moment */
  max_price_per_hour?: number;
  /** The session that ordered it */
  session_id?: string;
  /** In base units */
  cost?: {
    /** So far; of a job that has ended, what it cost */
    spent: string;
    /** Held for it in the limits of sessions; 0 after its end */
    reserved: string;
    /** The digest of its last receipt; absent if SSH never answered */
    receipt?: string;
    /** While it is served, rounded down; absent until it is placed */
    per_second?: string;
    /** The same exactly, for an hour: what the bill is worked out from */
    rate_per_hour?: string;
    /** The platform's share in hundredths of a percent: a part of what it costs, and not added to it */
    fee_bps?: number;
    /** The time that is paid for so far, without gaps */
    billed_seconds?: number;
    /** The rate for the billed time, rounded down: the same as `spent` */
    charged: string;
    /** True once it has ended: nothing more is added */
    final: boolean;
    /** When these figures held */
    as_of: string;
    /** Absences of its provider that are over and not paid for, the last 200; not in lists */
    gaps?: {
      from: string;
      to: string;
      cause: 'silent' | 'node_not_ready' | 'gpu_lost';
    }[];
  };
  ssh_host?: string;
  ssh_port?: number;
  ssh_user?: string;
  ssh_command?: string;
  /** The public host key, created for this job only */
  ssh_host_key?: string;
  /** As ssh shows it at the first login: `SHA256:…` */
  ssh_host_key_fingerprint?: string;
  /** A line for `~/.ssh/known_hosts`, so that no other machine can impersonate this one */
  known_hosts?: string;
  created_at: string;
  started_at?: string;
  expires_at?: string;
  /** Seconds that are left of a running job */
  ends_in_s?: number;
  ended_at?: string;
  /** Who or what ended it: you, its time (`expiry`), the owner of its machine, an operator, or the loss of its machine (`provider`). Absent if it failed or ended by itself */
  ended_by?: 'you' | 'expiry' | 'owner' | 'operator' | 'provider';
  failure_reason?: string;
  failure_message?: string;
  /** What to change in the next order, if the failure shows it */
  suggestion?: {
    action: 'increase_memory' | 'increase_storage';
    recommended_memory?: string;
    recommended_storage?: string;
    message: string;
  };
  wallet: string;
  /** In the Temporal UI; only where the site has set its address */
  workflow_url?: string;
  /** While the job holds a machine */
  pod?: {
    namespace: string;
    name: string;
    node: string;
  };
}

export interface AdminJobs {
  jobs: AdminJob[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface AdminProvider {
  provider_id: string;
  wallet_addr: string;
  node_name?: string;
  status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
  /** What it waits for, or why it is not in service */
  state_reason?: string;
  /** It takes no new jobs, by a command of its owner or of an operator */
  cordoned: boolean;
  /** It is cordoned and has no jobs: it may be turned off */
  drained: boolean;
  /** When the last of its jobs ends; if absent, each ends at its own expiry */
  drain_until?: string;
  /** It leaves the fleet after its last job */
  retiring?: boolean;
  /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
  user_namespaces: boolean;
  /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
  not_offered_reason?: string;
  /** Where its owner says that it is */
  region?: string;
  spec: {
    hostname: string;
    os: string;
    kernel_ver: string;
    architecture: string;
    cpu_model: string;
    cpu_cores: number;
    cpu_threads: number;
    total_memory_mb: number;
    gpus: {
      index: number;
      name: string;
      memory_mb: number;
      driver_ver: string;
      cuda_version: string;
    }[];
    total_gpus: number;
    total_disk_gb: number;
    available_disk_gb: number;
    public_ip?: string;
    bandwidth?: string;
  };
  capacity: {
    gpu_count: number;
    cpu_cores: number;
    memory_mb: number;
    /** For its first GPU type; `gpu_prices_per_hour` has all */
    gpu_price_per_hour: number;
    total_gpus: {
      [name: string]: number;
    };
    in_use_gpus: {
      [name: string]: number;
    };
    available_gpus: {
      [name: string]: number;
    };
    gpu_prices_per_hour: {
      [name: string]: number;
    };
    /** Who set it: the provider, or the site's operator for a provider that names no price */
    gpu_price_sources: {
      [name: string]: 'provider' | 'operator' | 'none';
    };
    total_cpu_cores: number;
    available_cpu_cores: number;
    total_memory_mb: number;
    available_memory_mb: number;
    total_disk_gb: number;
    available_disk_gb: number;
    cpu_price_per_hour: number;
    memory_price_per_gb_hr: number;
    storage_price_per_gb_hour: number;
    /** No job starts before this time */
    available_from?: string;
    /** No job is placed or extended to end after this time */
    available_until?: string;
  };
  last_heartbeat?: string;
  registered_at: string;
  joined_at?: string;
  /** Its owner or an operator has to approve it before it may join */
  approval_needed: boolean;
  /** While a join command is valid */
  join_token_expires_at?: string;
  agent_version?: string;
  blocked?: {
    reason: string;
    until: string | null;
  };
  workflow_url?: string;
}

export interface AdminProviders {
  providers: AdminProvider[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface AdminSettlements {
  /** As a worker last saw it; null until one has */
  vault: {
    chain_id: number;
    address: string;
    token: {
      address: string;
      symbol: string;
      decimals: number;
    };
    operator: string;
    guardian: string;
    treasury: string;
    batch_delay_s: number;
    exit_delay_s: number;
    /** The last number that was proposed */
    proposed: number;
    last_executed: number;
    paused_until: string | null;
    /** Units of the token that the treasury may sweep */
    fees: string;
    seen_at: string;
  } | null;
  /** Wei that the broker’s own key has for gas */
  gas_money: string | null;
  /** The same in coins, for people */
  gas_money_coins: string | null;
  /** The last block whose events are booked */
  read_block: number | null;
  read_at: string | null;
  /** Why nothing is settled until an operator resumes; null while nothing is stopped */
  stopped: {
    reason: string;
    since: string;
  } | null;
  /** The settlement that has neither been executed nor become void */
  under_way: {
    number: number;
    status: 'cut' | 'proposed';
    hash: string;
    cut_at: string;
    executable_at: string | null;
    /** What it waits for, and since when */
    waits_for: {
      what: string;
      since: string;
    } | null;
  } | null;
  /** The last that was executed */
  last_final: {
    number: number;
    at: string;
  } | null;
  /** When the next one is cut; null while settlements are stopped */
  next_batch_at: string | null;
  /** What is sent and not final, in the order of nonces */
  sending: {
    purpose: string;
    nonce: number;
    /** Of the last that was signed for it */
    tx_hash: string;
    status: 'submitted' | 'mined';
    /** What it waits for, and since when */
    waits_for: {
      what: string;
      since: string;
    } | null;
  }[];
  /** Permits that no settlement has carried to the vault yet */
  permits_kept: number;
  /** Wallets that the vault refuses to draw from: they order nothing */
  frozen: {
    wallet: string;
    since: string;
    reason: string;
  }[];
}

export interface AuditRows {
  items: {
    at: string;
    /** Wallet */
    actor: string;
    /** Absent where the request itself proved its sender */
    session_id?: string;
    ip: string;
    action: string;
    target: string;
    detail: {
      [name: string]: unknown;
    };
    request_id: string;
  }[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface Balance {
  /** credit: the spend limit that a wallet signed is trusted; it may owe. prepaid: it spends what it deposited */
  mode: 'credit' | 'prepaid';
  /** Base units that were paid in advance or refunded, and are not reserved */
  available: string;
  /** The same in tokens, for people */
  available_tokens: string;
  /** Base units that are held for jobs which have not ended */
  reserved: string;
  /** The same in tokens, for people */
  reserved_tokens: string;
  /** Base units that are held for you to take out of the vault */
  withdrawing: string;
  /** The same in tokens, for people */
  withdrawing_tokens: string;
  /** Base units that were charged and are not paid for */
  owed: string;
  /** The same in tokens, for people */
  owed_tokens: string;
  /** Of the last booking; null without any */
  updated_at: string | null;
  /** Null if the wallet has set none */
  monthly_cap: MonthlyCap | null;
}

export interface Billing {
  by: 'job' | 'day' | 'provider' | 'gpu_type' | 'session';
  rows: {
    /** The id of a job, a day, the id of a provider, a type of GPU, or the session that ordered; empty for jobs that have none, such as those that are not placed yet */
    key: string;
    jobs: number;
    /** Paid for */
    seconds: number;
    from?: string;
    to?: string;
    name?: string;
    provider_id?: string;
    gpu_type?: string;
    /** Base units that were charged */
    spent: string;
    /** Of that, what ports cost */
    ports: string;
    /** Of that, what was given back */
    refunded: string;
    /** Base units that are held for jobs which have not ended */
    reserved: string;
  }[];
  /** Of all pages */
  total: {
    jobs: number;
    seconds: number;
    spent: string;
    ports: string;
    refunded: string;
    reserved: string;
  };
  from: string;
  to: string;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface Block {
  kind: 'wallet' | 'provider' | 'image';
  value: string;
  reason: string;
  until: string | null;
  /** Wallet of the operator */
  blocked_by: string;
  blocked_at: string;
}

export interface Blocks {
  blocks: Block[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface BookedByHand {
  id: string;
  wallet: string;
  amount: string;
  /** Of the wallet afterwards: of a provider what is to be paid out, of a customer what is free */
  balance: string;
}

export interface DeadLetters {
  items: {
    stream: string;
    id: string;
    at: string;
    /** Its id in the stream */
    orig_id: string;
    /** Claimed, not proven */
    provider_id?: string;
    reason: string;
    /** The beginning of the message, without secrets */
    data: string;
  }[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface DebtWrittenOff {
  id: string;
  wallet: string;
  /** Base units; 0 if it owed nothing */
  written_off: string;
  /** It can order again now */
  was_frozen: boolean;
}

export interface Deposits {
  /** Null on a site that takes no deposits */
  vault: {
    chain_id: number;
    /** Call its `deposit`; tokens that are just sent there are lost */
    address: string;
  } | null;
  /** What the vault takes; null until the broker has read it */
  token: {
    address: string;
    symbol: string;
    decimals: number;
  } | null;
  /** When a deposit counts: when its node calls its block final, or after so many blocks */
  confirmations: 'finalized' | number | null;
  /** Base units: deposits that come to less wait until they come to this much */
  min_amount: string;
  /** The same in tokens, for people */
  min_amount_tokens: string;
  /** Base units that arrived in all and are final */
  deposited: string;
  /** The same in tokens, for people */
  deposited_tokens: string;
  /** Base units of them that are free: for jobs, or to be withdrawn */
  available: string;
  /** The same in tokens, for people */
  available_tokens: string;
  /** Base units of them that left the vault again */
  withdrawn: string;
  /** The same in tokens, for people */
  withdrawn_tokens: string;
  /** Base units of them that are too little to be booked by themselves */
  waiting: string;
  /** The same in tokens, for people */
  waiting_tokens: string;
  /** Base units that may be drawn in all, as the vault knows it */
  cap: string;
  /** The same in tokens, for people */
  cap_tokens: string;
  /** The same, with the permit that you have sent here and no settlement has carried yet */
  cap_signed: string;
  /** The same in tokens, for people */
  cap_signed_tokens: string;
  /** Base units that settlements have drawn of it so far */
  drawn: string;
  /** The same in tokens, for people */
  drawn_tokens: string;
  /** When you may take out everything; null if you did not ask for it */
  exit_at: string | null;
  /** When your jobs end because of that, so that they are charged before; null if you did not ask for it */
  jobs_end_at: string | null;
  /** While you can order nothing, and your jobs end; null otherwise */
  frozen: {
    /** refused: the vault refused a settlement for your line. left_owing: you took out what was charged already */
    reason: 'refused' | 'left_owing';
    since: string;
    /** Base units to deposit before anything can be ordered; 0: raise your cap, or ask the operator */
    owed: string;
    /** The same in tokens, for people */
    owed_tokens: string;
  } | null;
  /** What is held for you to take out; null if there is nothing */
  withdrawing: Withdrawal | null;
  /** Seen on the chain, and not final: they can be spent once they are */
  incoming: {
    tx_hash: string;
    amount: string;
    /** The same in tokens, for people */
    amount_tokens: string;
    block: number;
  }[];
  /** What your wallet signs to raise its cap without gas (EIP-712). Put your cap into `message.cumulativeCap`, in units of the token; it stands there as `cap_signed` */
  permit_typed_data: {
    [name: string]: unknown;
  } | null;
  /** The last block that is booked */
  read_block: number | null;
}

export interface Earnings {
  by: 'job' | 'day' | 'provider';
  rows: {
    /** The id of a job, a day, the id of a provider, a type of GPU, or the session that ordered; empty for jobs that have none, such as those that are not placed yet */
    key: string;
    jobs: number;
    /** Paid for */
    seconds: number;
    from?: string;
    to?: string;
    name?: string;
    provider_id?: string;
    gpu_type?: string;
    /** Base units that customers were charged, less the fee */
    earned: string;
    /** What the platform had of the charges */
    fee: string;
    /** Of `earned`, what went back to customers */
    refunded: string;
    /** Base units that are held for jobs which have not ended */
    pending: string;
  }[];
  /** Of all pages */
  total: {
    jobs: number;
    seconds: number;
    earned: string;
    fee: string;
    refunded: string;
    pending: string;
  };
  /** Base units that wait until the wallet is proven: its machine has to sign with it */
  unclaimed: string;
  /** What your wallet has to come, from all its providers; negative: refunds of what was paid out */
  payable: string;
  /** On a site with a chain: what is in a settlement that has not been executed yet */
  in_batch: string;
  /** On a site with a chain: what is yours in the vault, for your wallet to take out with `withdrawEarnings` */
  withdrawable: string;
  /** When what is payable goes into the next settlement; null without a chain, or while settlements are stopped */
  next_batch_at: string | null;
  /** What your wallet was paid so far */
  paid_out: string;
  from: string;
  to: string;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface Endpoint {
  name: string;
  /** What the program listens on */
  port: number;
  protocol: 'http' | 'https' | 'tcp' | 'udp';
  host: string;
  /** Where it is reached, at `host` */
  host_port: number;
  /** Of `http` and `https`. With the token, where the program takes it in its URL: then the URL is secret */
  url?: string;
}

export interface Front {
  name: string;
  /** For people */
  console: string;
  /** For those who read */
  docs: string;
  /** For programs */
  openapi: string;
  /** Facts about this broker */
  site: string;
}

export interface Job {
  job_id: string;
  job_name?: string;
  status:
    | 'pending'
    | 'provisioning'
    | 'running'
    | 'ending'
    | 'completed'
    | 'expired'
    | 'cancelled'
    | 'failed'
    | 'provider_lost';
  /** The last step. Those between `placed` and `ssh_ready` are told by the machine, and may be left out */
  phase:
    | 'ordered'
    | 'placed'
    | 'pod_created'
    | 'image_pulling'
    | 'image_pulled'
    | 'container_started'
    | 'ssh_ready'
    | 'provider_away'
    | 'ending'
    | 'ended';
  message?: string;
  provider_id?: string;
  /** As it was ordered */
  image: string;
  /** What it was when it was ordered, and what runs; absent if its registry did not answer */
  image_digest?: string;
  /** How much of it a machine loads that has none of it yet */
  image_size_gb?: number;
  gpu_type?: string;
  /** True if the order named no GPU type: it got the cheapest that fitted */
  any_gpu_type: boolean;
  /** The provider's name for it */
  gpu_model?: string;
  gpu_count: number;
  cpu_cores: number;
  memory_gb: number;
  /** How much of the memory `/dev/shm` may use */
  shm_gb: number;
  storage_gb: number;
  /** Its main program, if the order has one; not what it runs */
  program?: JobProgram;
  /** What it opens besides SSH, as it was ordered; absent if nothing */
  ports?: JobPort[];
  /** Their part of `price_per_hour`; absent if they cost nothing */
  ports_price_per_hour?: number;
  /** While it runs, where its ports are reached. `http` is not encrypted: see docs/api.md */
  endpoints?: Endpoint[];
  /** The id of the template that it was ordered with */
  template?: string;
  /** Where the page of its program is, in the job; reached by an endpoint of this port, else by `ssh -L` */
  template_page?: {
    port: number;
    path: string;
  };
  /** What its program asks for. A secret of the job, for its owner with `jobs:write` while it has not ended */
  template_token?: string;
  /** How the program takes it: in its URL, as `Authorization: Bearer`, or typed into its page */
  template_token_used_as?: 'query' | 'bearer' | 'password';
  /** For the whole job with its ports, in token units */
  price_per_hour?: number;
  /** The maximum in the order, or the one that the broker set from the offers of that moment */
  max_price_per_hour?: number;
  /** The session that ordered it */
  session_id?: string;
  /** In base units */
  cost?: {
    /** So far; of a job that has ended, what it cost */
    spent: string;
    /** Held for it in the limits of sessions; 0 after its end */
    reserved: string;
    /** The digest of its last receipt; absent if SSH never answered */
    receipt?: string;
    /** While it is served, rounded down; absent until it is placed */
    per_second?: string;
    /** The same exactly, for an hour: what the bill is worked out from */
    rate_per_hour?: string;
    /** The platform's share in hundredths of a percent: a part of what it costs, and not added to it */
    fee_bps?: number;
    /** The time that is paid for so far, without gaps */
    billed_seconds?: number;
    /** The rate for the billed time, rounded down: the same as `spent` */
    charged: string;
    /** True once it has ended: nothing more is added */
    final: boolean;
    /** When these figures held */
    as_of: string;
    /** Absences of its provider that are over and not paid for, the last 200; not in lists */
    gaps?: {
      from: string;
      to: string;
      cause: 'silent' | 'node_not_ready' | 'gpu_lost';
    }[];
  };
  ssh_host?: string;
  ssh_port?: number;
  ssh_user?: string;
  ssh_command?: string;
  /** The public host key, created for this job only */
  ssh_host_key?: string;
  /** As ssh shows it at the first login: `SHA256:…` */
  ssh_host_key_fingerprint?: string;
  /** A line for `~/.ssh/known_hosts`, so that no other machine can impersonate this one */
  known_hosts?: string;
  created_at: string;
  started_at?: string;
  expires_at?: string;
  /** Seconds that are left of a running job */
  ends_in_s?: number;
  ended_at?: string;
  /** Who or what ended it: you, its time (`expiry`), the owner of its machine, an operator, or the loss of its machine (`provider`). Absent if it failed or ended by itself */
  ended_by?: 'you' | 'expiry' | 'owner' | 'operator' | 'provider';
  failure_reason?: string;
  failure_message?: string;
  /** What to change in the next order, if the failure shows it */
  suggestion?: {
    action: 'increase_memory' | 'increase_storage';
    recommended_memory?: string;
    recommended_storage?: string;
    message: string;
  };
}

export interface JobEvent {
  /** 1, 2, 3 … within the job, without a gap */
  seq: number;
  job_id: string;
  at: string;
  kind:
    | 'ordered'
    | 'placed'
    | 'pod_created'
    | 'image_pulling'
    | 'image_pulled'
    | 'container_started'
    | 'ssh_ready'
    | 'extended'
    | 'ssh_key_added'
    | 'program_started'
    | 'program_restarted'
    | 'program_exited'
    | 'gpu_lost'
    | 'gpu_back'
    | 'expires_soon'
    | 'limit_near'
    | 'provider_away'
    | 'provider_back'
    | 'ending'
    | 'ended';
  /** What happened, for people */
  text: string;
  /** What happened, for programs; an `ended` has the `job` as it is now */
  data: {
    job?: Job;
    [name: string]: unknown;
  };
}

export interface JobEvents {
  events: JobEvent[];
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface JobLog {
  job_id: string;
  status:
    | 'pending'
    | 'provisioning'
    | 'running'
    | 'ending'
    | 'completed'
    | 'expired'
    | 'cancelled'
    | 'failed'
    | 'provider_lost';
  /** Read from the machine, kept since the end of the job, or not there */
  source: 'machine' | 'kept' | 'none';
  /** The oldest first */
  lines: JobLogLine[];
  /** Earlier lines were left out because there was too much */
  truncated: boolean;
  /** Why there is no log */
  note?: string;
}

export interface JobLogLine {
  /** Its place, to go on from */
  id: string;
  /** RFC 3339 with nanoseconds, UTC, by the machine's clock */
  at: string;
  /** As it was written, escapes of terminals included; bytes that are no UTF-8 are U+FFFD */
  line: string;
  /** It was longer than 16 KiB */
  cut?: true;
}

export interface JobPort {
  port: number;
  name: string;
  protocol: 'http' | 'https' | 'tcp' | 'udp';
}

export interface JobProgram {
  restart: 'never' | 'on_failure' | 'always';
  end_with_command: boolean;
  /** `waiting` for the machine; `started` on a machine that stays when it ends; `running`, or about to be restarted, on one that ends with it; `exited` by itself, and the job with it; `stopped` with the machine */
  state: 'waiting' | 'started' | 'running' | 'exited' | 'stopped';
  /** How it ended, where the job ended with it; 128 and more: by a signal */
  exit_code?: number;
  started_at?: string;
  ended_at?: string;
}

export interface JobSshKey {
  job_id: string;
  /** As the job has it */
  public_key: string;
  /** As `ssh-keygen -l` prints it: `SHA256:…` */
  fingerprint: string;
  /** How many keys may log in to the job now */
  keys: number;
  /** When it may log in: with the start of the job, or when its machine has taken the key */
  takes_effect: 'at_start' | 'within_two_minutes';
}

export interface JobUse {
  job_id: string;
  /** When the machine was asked */
  at: string;
  /** Seconds between samples */
  step_s: number;
  /** What the job may use at most */
  limits: {
    cpu_cores?: number;
    memory_bytes?: number;
  };
  /** The main program; absent if the job has none */
  program?: {
    /** `waiting` for the machine, `running`, `restarting` after a pause, or `exited` for good */
    state: 'waiting' | 'running' | 'restarting' | 'exited';
    /** Of its last run that has ended; 128 and more: by a signal */
    exit_code?: number;
    /** How often it was started again */
    restarts: number;
    /** Since when it is in this state */
    since: string;
    /** When it is started again */
    starts_at?: string;
  };
  /** The GPUs that `nvidia-smi` lists in the job */
  gpus: {
    index: number;
    name?: string;
    memory_bytes?: number;
  }[];
  /** The job sees fewer GPUs than it had */
  gpus_lost?: {
    had: number;
    has: number;
    since: string;
  };
  /** Of the last hour, the oldest first; the last is of now */
  samples: {
    at: string;
    /** Cores in use, on average since the sample before */
    cpu_cores?: number;
    /** Without copies of files, which make room when memory is needed */
    memory_bytes?: number;
    gpus: {
      index: number;
      busy_percent?: number;
      memory_bytes?: number;
      temperature_c?: number;
      power_w?: number;
    }[];
  }[];
}

export interface Jobs {
  jobs: Job[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface LeftDelegation {
  provider_id: string;
  /** It is paid */
  wallet: string;
  node_key: string;
  /** Until when the key may speak for the provider */
  expires_at: string;
  /** Until when the machine has to register with it */
  use_until: string;
}

export interface Market {
  at: string;
  /** Most GPUs first; the 200 largest types */
  gpu_types: MarketType[];
  /** Of all types */
  total: number;
  free: number;
  providers_online: number;
}

export interface MarketHistory {
  /** As it was asked for; of a family, all its types together */
  gpu_type: string;
  step_s: number;
  /** The beginning of the first step */
  from: string;
  /** One value for each step; null where there is no sample */
  total: (number | null)[];
  free: (number | null)[];
  price_min: (number | null)[];
  price_median: (number | null)[];
  price_max: (number | null)[];
}

export interface MarketType {
  gpu_type: string;
  /** As people write it */
  name: string;
  /** Shorter words that mean it here */
  aliases: string[];
  /** Nominal memory of one GPU; several if providers have different ones */
  vram_gb: number[];
  /** GPUs at providers that serve customers, rented or not */
  total: number;
  free: number;
  /** Free GPUs that one job could get */
  most_at_one_provider: number;
  providers: number;
  /** Of one GPU and hour; null if nobody has set one */
  price: {
    min: number;
    median: number;
    max: number;
  } | null;
}

export interface MonthlyCap {
  /** Base units that the wallet may spend in a month of UTC, by all of its sessions together */
  amount: string;
  /** The same in tokens, for people */
  amount_tokens: string;
  /** Base units that were charged this month, less what of it was refunded */
  charged: string;
  /** The same in tokens, for people */
  charged_tokens: string;
  /** Base units that are reserved now for jobs which have not ended */
  reserved: string;
  /** The same in tokens, for people */
  reserved_tokens: string;
  /** Base units that may still be ordered; 0 if more is used than the cap allows */
  remaining: string;
  /** The same in tokens, for people */
  remaining_tokens: string;
  /** When the month turns */
  resets_at: string;
}

export interface Offer {
  provider_id: string;
  /** Null for an order without GPUs */
  gpu_type: string | null;
  /** The provider's name for it */
  gpu_model: string | null;
  /** Nominal memory of one GPU */
  vram_gb: number | null;
  free_gpus: number;
  total_gpus: number;
  /** Of one GPU */
  price_per_gpu_hour: number;
  /** Of a job of the shape that was asked for, as the placement computes it */
  price_per_hour: number;
  /** The same exactly, in base units */
  rate_per_hour: string;
  /** What each GPU brings: a job that takes more than that for each of its GPUs pays for those it blocks */
  fair_share: {
    cpu_cores: number;
    memory_mb: number;
    storage_gb: number;
  } | null;
  /** The newest CUDA that its driver supports */
  cuda: string | null;
  driver: string | null;
  /** Where its owner says that it is */
  region: string | null;
  free_cpu_cores: number;
  free_memory_gb: number;
  free_storage_gb: number;
  /** The share of the last 30 days in which it was online; null: not known */
  reliability: number | null;
  /** Whether such a job could start there now */
  can_start: boolean;
  /** Why it could not */
  why_not: string | null;
}

export interface OfferList {
  offers: Offer[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface Overview {
  at: string;
  /** Jobs that have not ended. Null, here and below: the system that knows does not answer */
  jobs: {
    running: number;
    provisioning: number;
    pending: number;
    ending: number;
  } | null;
  /** By status */
  providers: {
    [name: string]: number;
  } | null;
  gpus: {
    total: number;
    rented: number;
  } | null;
  /** Base units that ended jobs cost; today begins at 0:00 UTC */
  revenue: {
    today: string;
    '30d': string;
  } | null;
  /** From the order to SSH, over a day; null without a start, too */
  time_to_ssh_s: {
    p50: number;
    p95: number;
  } | null;
  streams:
    | {
        name: string;
        /** Entries that no relay has read; null if Redis cannot tell */
        lag: number | null;
        oldest_pending_s: number;
        dead_letters: number;
      }[]
    | null;
  reconciler: {
    last_at: string | null;
    repairs_1h: number;
    failures_1h: number;
  } | null;
  ready: {
    [name: string]: {
      ok: boolean;
      detail?: string;
    };
  };
  temporal_ui: string | null;
}

export interface OwnProvider {
  provider_id: string;
  wallet_addr: string;
  node_name?: string;
  status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
  /** Why it takes no jobs, or not all that it could */
  state_reason?: string;
  /** It takes no new jobs, by a command of its owner or of an operator */
  cordoned: boolean;
  /** It is cordoned and has no jobs: it may be turned off */
  drained: boolean;
  /** When the last of its jobs ends; if absent, each ends at its own expiry */
  drain_until?: string;
  /** It leaves the fleet after its last job */
  retiring?: boolean;
  /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
  user_namespaces: boolean;
  /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
  not_offered_reason?: string;
  /** Where its owner says that it is */
  region?: string;
  spec: {
    hostname: string;
    os: string;
    kernel_ver: string;
    architecture: string;
    cpu_model: string;
    cpu_cores: number;
    cpu_threads: number;
    total_memory_mb: number;
    gpus: {
      index: number;
      name: string;
      memory_mb: number;
      driver_ver: string;
      cuda_version: string;
    }[];
    total_gpus: number;
    total_disk_gb: number;
    available_disk_gb: number;
    public_ip?: string;
    bandwidth?: string;
  };
  capacity: {
    gpu_count: number;
    cpu_cores: number;
    memory_mb: number;
    /** For its first GPU type; `gpu_prices_per_hour` has all */
    gpu_price_per_hour: number;
    total_gpus: {
      [name: string]: number;
    };
    in_use_gpus: {
      [name: string]: number;
    };
    available_gpus: {
      [name: string]: number;
    };
    gpu_prices_per_hour: {
      [name: string]: number;
    };
    /** Who set it: the provider, or the site's operator for a provider that names no price */
    gpu_price_sources: {
      [name: string]: 'provider' | 'operator' | 'none';
    };
    total_cpu_cores: number;
    available_cpu_cores: number;
    total_memory_mb: number;
    available_memory_mb: number;
    total_disk_gb: number;
    available_disk_gb: number;
    cpu_price_per_hour: number;
    memory_price_per_gb_hr: number;
    storage_price_per_gb_hour: number;
    /** No job starts before this time */
    available_from?: string;
    /** No job is placed or extended to end after this time */
    available_until?: string;
  };
  last_heartbeat?: string;
  registered_at: string;
  joined_at?: string;
  /** Until when the owner's signature is good */
  delegation_expires_at?: string;
  agent_version?: string;
  running_jobs: number;
  /** Percent, by the last heartbeat */
  usage?: {
    gpu: number[];
    cpu: number;
    memory: number;
    at: string;
  };
  reliability: {
    /** Part of the time; absent before the first sample */
    online_30d?: number;
    /** Jobs that ended because it went away */
    lost_jobs_30d: number;
  };
  /** Prices that were set by the API, above those of the agent */
  owner_prices?: {
    gpu?: {
      [name: string]: number;
    };
    cpu?: number;
    memory_gb?: number;
    storage_gb?: number;
    set_at: string;
    /** What would hold without them */
    agent: {
      gpu: {
        [name: string]: number;
      };
      cpu: number;
      memory_gb: number;
      storage_gb: number;
    };
  };
}

export interface OwnProviderList {
  providers: OwnProvider[];
  /** The number on this page */
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface Payouts {
  payouts: {
    id: string;
    /** Base units */
    amount: string;
    /** The same in tokens, for people */
    amount_tokens: string;
    /** Where to look it up, in the words of the operator */
    reference: string;
    /** When it was written down */
    at: string;
  }[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code:
    | 'malformed_request'
    | 'validation_failed'
    | 'payload_too_large'
    | 'headers_too_large'
    | 'request_timeout'
    | 'unsupported_media_type'
    | 'method_not_allowed'
    | 'rate_limited'
    | 'auth_required'
    | 'auth_ambiguous'
    | 'session_unknown'
    | 'session_expired'
    | 'session_revoked'
    | 'signature_invalid'
    | 'timestamp_skew'
    | 'nonce_reused'
    | 'challenge_invalid'
    | 'insufficient_funds'
    | 'scope_denied'
    | 'spend_limit_exceeded'
    | 'monthly_cap_reached'
    | 'quota_exceeded'
    | 'blocked'
    | 'auth_backend_unavailable'
    | 'not_found'
    | 'job_not_found'
    | 'provider_not_found'
    | 'session_not_found'
    | 'token_not_found'
    | 'receipt_not_found'
    | 'settlement_not_found'
    | 'ssh_key_not_found'
    | 'idempotency_conflict'
    | 'session_key_in_use'
    | 'quote_mismatch'
    | 'exit_pending'
    | 'withdrawal_pending'
    | 'quote_expired'
    | 'no_capacity'
    | 'job_ended'
    | 'refund_exceeds_charge'
    | 'payout_exceeds_earnings'
    | 'job_not_running'
    | 'extension_limit'
    | 'machine_not_asked'
    | 'machine_unreachable'
    | 'ssh_keys_final'
    | 'duration_limit'
    | 'image_not_found'
    | 'image_private'
    | 'image_platform'
    | 'image_unresolved'
    | 'unschedulable'
    | 'image_pull_failed'
    | 'container_not_created'
    | 'container_exited'
    | 'storage_exceeded'
    | 'pod_deleted'
    | 'pod_refused'
    | 'no_ports_left'
    | 'start_timeout'
    | 'ports_unreachable'
    | 'provider_lost'
    | 'provider_drained'
    | 'funds_withdrawn'
    | 'allocation_released'
    | 'delegation_invalid'
    | 'provider_not_yours'
    | 'approval_not_needed'
    | 'provider_retired'
    | 'chain_off'
    | 'mining_off'
    | 'settlement_stalled'
    | 'dependency_unavailable'
    | 'internal_error';
  detail: string;
  request_id: string;
  /** With validation_failed: every invalid field */
  errors?: {
    field: string;
    message: string;
  }[];
  [name: string]: unknown;
}

export interface ProviderJobs {
  jobs: {
    job_id: string;
    status:
      | 'pending'
      | 'provisioning'
      | 'running'
      | 'ending'
      | 'completed'
      | 'expired'
      | 'cancelled'
      | 'failed'
      | 'provider_lost';
    gpu_type?: string;
    gpu_count: number;
    created_at: string;
    started_at?: string;
    expires_at?: string;
    ended_at?: string;
    /** For the whole job, in token units */
    price_per_hour?: number;
    /** Base units that its customer was charged */
    earned: string;
    /** Base units that are held while it has not ended */
    pending: string;
  }[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface ProviderUsage {
  /** The beginning of the first step */
  from: string;
  step_s: number;
  /** Percent, the mean of its GPUs; null without a sample, or without GPUs */
  gpu: (number | null)[];
  /** Percent */
  cpu: (number | null)[];
  /** Percent */
  memory: (number | null)[];
  rented_gpus: (number | null)[];
}

export interface Quote {
  can_start: boolean;
  /** Where a placement would try first; null if nobody takes the order */
  price_per_hour: number | null;
  /** Base units */
  cost: {
    /** For the whole duration, where a placement would try first */
    expected: string;
    /** What the order may cost at most, wherever it is placed */
    at_most: string;
  } | null;
  /** The platform's share in hundredths of a percent: a part of these amounts, and not added to them */
  fee_bps: number;
  currency: {
    symbol: string;
    decimals: number;
  };
  /** Base units an hour for the whole job, where a placement would try first; null if nobody takes it */
  rate_per_hour: string | null;
  /** The same for the whole duration */
  total: string | null;
  /** What its ports cost; absent if it opens none */
  ports?: {
    /** How many the order opens besides SSH */
    count: number;
    /** How many of them cost nothing */
    free: number;
    /** Token units an hour for the others together */
    price_per_hour: number;
    /** The same in base units: a part of every rate here, and not added to it */
    rate_per_hour: string;
  };
  /** The best eight, in the order in which a placement would try them */
  offers: QuoteOffer[];
  /** With a credential only */
  session?: {
    /** Base units that the session may still spend */
    remaining: string;
    /** Whether that is enough for the order; null if nobody takes it. It says nothing of the monthly cap of the wallet: see `GET /api/v1/billing/balance` */
    covers: boolean | null;
  };
  /** Why nobody takes the order: what nobody has, and the nearest that somebody has */
  why_not: WhyNot[];
  /** True if the order could start once any one of the reasons were gone; else all of them have to go */
  why_not_each: boolean;
  /** Whether its prices hold for an order with its `quote_id`. They do for a caller with a credential, if somebody takes the order; capacity is never held */
  binding: boolean;
  /** Send it with the order. It is a price and no voucher: until it expires, it is good for several orders, each of which reserves its own money. Null if the quote does not bind */
  quote_id: string | null;
  /** Until when the order may be sent. Null if the quote does not bind */
  expires_at: string | null;
}

export interface QuoteOffer {
  provider_id: string;
  /** Null for an order without GPUs */
  gpu_type: string | null;
  /** The provider's name for it */
  gpu_model: string | null;
  /** Nominal memory of one GPU */
  vram_gb: number | null;
  free_gpus: number;
  total_gpus: number;
  /** Of one GPU */
  price_per_gpu_hour: number;
  /** Of a job of the shape that was asked for, as the placement computes it */
  price_per_hour: number;
  /** The same exactly, in base units */
  rate_per_hour: string;
  /** What each GPU brings: a job that takes more than that for each of its GPUs pays for those it blocks */
  fair_share: {
    cpu_cores: number;
    memory_mb: number;
    storage_gb: number;
  } | null;
  /** The newest CUDA that its driver supports */
  cuda: string | null;
  driver: string | null;
  /** Where its owner says that it is */
  region: string | null;
  free_cpu_cores: number;
  free_memory_gb: number;
  free_storage_gb: number;
  /** The share of the last 30 days in which it was online; null: not known */
  reliability: number | null;
  /** Whether such a job could start there now */
  can_start: boolean;
  /** Why it could not */
  why_not: string | null;
  /** Base units for the whole duration */
  total: string;
  /** What the price is for */
  includes: {
    /** How many GPUs of the machine the order is charged as: more than it rents where it takes more than their fair share of something, and that costs more than the list says */
    gpu_equivalents: string;
  };
}

export interface Receipt {
  typed_data: {
    types: {
      [name: string]: {
        name: string;
        type: string;
      }[];
    };
    primaryType: 'JobReceipt';
    domain: {
      name: string;
      version: string;
      chainId: number;
      verifyingContract: string;
    };
    message: ReceiptMessage;
  };
  /** What is signed, by EIP-712 */
  digest: string;
  signatures: {
    signer: string;
    signature: string;
  }[];
  status: 'signed' | 'pending';
}

export interface ReceiptKeys {
  keys: {
    address: string;
    from: string;
    /** Not included; absent for the key that signs now */
    until?: string;
  }[];
}

export interface ReceiptMessage {
  audience: string;
  customer: string;
  /** Counts the receipts of this customer, without a hole */
  number: number;
  /** The digest of the receipt before; zero in the first one */
  previous: string;
  jobId: string;
  /** 0 is the settlement; each refund adds one, with the corrected totals */
  revision: number;
  orderHash: string;
  providerId: string;
  /** The wallet of the provider; zero while none is proven */
  payee: string;
  /** What was rented: JSON with its keys in order */
  resources: string;
  ratePerHour: string;
  /** Unix milliseconds */
  readyAtMs: number;
  /** Unix milliseconds */
  servedUntilMs: number;
  gaps: {
    /** Unix milliseconds */
    fromMs: number;
    /** Unix milliseconds */
    toMs: number;
  }[];
  billedMs: number;
  reserved: string;
  charged: string;
  feeBps: number;
  fee: string;
  earned: string;
  outcome: string;
  /** Unix milliseconds */
  issuedAtMs: number;
}

export interface Receipts {
  receipts: Receipt[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
  /** The settlement that they explain, if one was asked for */
  batch?: {
    number: number;
    cut_at: string;
  };
}

export interface Refund {
  job_id: string;
  /** 1 for the first refund of the job */
  revision: number;
  wallet: string;
  /** By this request */
  refunded: string;
  /** What the job costs now */
  charged: string;
  fee: string;
  earned: string;
}

export interface ResumedSettlements {
  /** False: nothing was stopped */
  resumed: boolean;
  stopped_for: string | null;
  stopped_at: string | null;
  resumed_at: string | null;
}

export interface Revenue {
  by: 'day' | 'provider' | 'gpu_type';
  from: string;
  /** Not included */
  to: string;
  /** By when it was booked; 1,000 at most */
  rows: {
    /** A day of UTC, the id of a provider, or a GPU type */
    key: string;
    jobs: number;
    charged: string;
    /** What the platform keeps, refunds taken off */
    fees: string;
    refunded: string;
  }[];
  /** Base units, as of now */
  standing: {
    /** Earned by proven wallets, and not paid out */
    owed_to_providers: string;
    /** Earned by providers whose wallet is not proven */
    unclaimed: string;
    /** Refunded after it had been paid out */
    providers_owe: string;
    /** Paid in advance, or refunded */
    customers_hold: string;
    /** Charged, and not paid */
    customers_owe: string;
    bad_debt: string;
    /** Of all time */
    fees: string;
  };
  /** Who owes most, and since when: payments count for the oldest charges first */
  debtors: {
    wallet: string;
    owed: string;
    since: string;
  }[];
  /** Which proven wallets of providers have most to come; 100 at most */
  creditors: {
    wallet: string;
    payable: string;
  }[];
  ledger: {
    /** When new bookings were compared last */
    checked_at: string | null;
    /** In how many rows which invariant is violated; empty when healthy */
    differs: {
      [name: string]: number;
    };
    /** By which invariants everything cannot be compared any more; empty when healthy */
    uncompared: {
      invariant: string;
      since: string;
      why: string;
    }[];
    /** Charges of an older version that are still to be booked */
    unbooked: number;
    /** Jobs that cannot be booked, at most 100; empty when healthy */
    unbookable: {
      job_id: string;
      since: string;
      reason: string;
    }[];
  };
}

export interface Settlement {
  number: number;
  /** proposed: everybody can look at it until it is executed. final: executed. void: it never will be */
  status: 'proposed' | 'final' | 'void';
  chain_id: number;
  vault: string;
  /** Of all its lines: what the vault executes has this hash */
  hash: string;
  /** When the vault took it, by the time of the chain */
  proposed_at: string | null;
  /** From then on it may be executed; until then it can be vetoed */
  executable_at: string | null;
  /** When its execution was found to be final */
  executed_at: string | null;
  /** Why it will never be executed */
  void_reason: string | null;
  /** Hashes of the transactions, once they are final */
  tx: {
    propose: string | null;
    execute: string | null;
  };
  /** What it waits for, and since when */
  waits_for: {
    what: string;
    since: string;
  } | null;
  token: {
    address: string;
    symbol: string;
    decimals: number;
  } | null;
  /** What was drawn in all from each customer whose total changed, in the order of the hash */
  draws: {
    customer: string;
    /** Units of the token since the beginning, as on the chain */
    cumulative: string;
    /** The same in tokens, for people */
    cumulative_tokens: string;
  }[];
  /** What was credited in all to each payee whose total changed, in the order of the hash */
  credits: {
    payee: string;
    /** Units of the token since the beginning, as on the chain */
    cumulative: string;
    /** The same in tokens, for people */
    cumulative_tokens: string;
  }[];
}

export interface SettlementSummary {
  number: number;
  /** proposed: everybody can look at it until it is executed. final: executed. void: it never will be */
  status: 'proposed' | 'final' | 'void';
  chain_id: number;
  vault: string;
  /** Of all its lines: what the vault executes has this hash */
  hash: string;
  /** When the vault took it, by the time of the chain */
  proposed_at: string | null;
  /** From then on it may be executed; until then it can be vetoed */
  executable_at: string | null;
  /** When its execution was found to be final */
  executed_at: string | null;
  /** Why it will never be executed */
  void_reason: string | null;
  /** Hashes of the transactions, once they are final */
  tx: {
    propose: string | null;
    execute: string | null;
  };
  /** What it waits for, and since when */
  waits_for: {
    what: string;
    since: string;
  } | null;
}

export interface Settlements {
  settlements: SettlementSummary[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface Site {
  /** What this site calls itself */
  name: string;
  version: string;
  /** The origin that logins and requests are signed for */
  audience: string;
  token: {
    symbol: string;
    /** An amount of 10^decimals base units is one token */
    decimals: number;
    /** Where jobs are paid: in the ledger of this broker, or from deposits on a chain */
    settlement: 'ledger' | 'chain';
  };
  auth: {
    /** Chains whose wallets may log in; the first is proposed */
    chain_ids: number[];
    session_ttl_s: number;
    session_ttl_max_s: number;
    token_ttl_max_s: number;
    /** Whether wallets that are contracts may log in */
    smart_wallets: boolean;
  };
  jobs: {
    default_image: string;
    min_duration_s: number;
    max_duration_s: number;
    /** The sizes of an order that names none */
    defaults: {
      cpu_cores: number;
      memory_gb: number;
      storage_gb: number;
      duration_hours: number;
    };
    /** Empty: any image */
    image_allowlist: string[];
    /** The same as `GET /api/v1/templates`, without what they open and need */
    templates: {
      id: string;
      name: string;
      image: string;
    }[];
    /** Ports of jobs that are reached from outside */
    ports: {
      /** What one job may open besides SSH */
      most: number;
      /** How many of them cost nothing */
      free: number;
      /** Token units for each of the others */
      price_per_hour: string;
      most_per_wallet: number;
    };
  };
  providers: {
    auth_mode: 'required' | 'permissive' | 'off';
    /** `sha256:…` of the cluster’s CA, for `provider-agent run --ca-hash`; null until a worker has started */
    ca_hash: string | null;
    /** How long a job waits for its absent provider */
    loss_grace_s: number;
  };
  /** Groups of routes that this broker has; `use` where it asks machines what jobs use */
  features: string[];
  broker_keys: {
    /** The address of the key that signs answers to providers now */
    key: string;
    /** Unix seconds */
    since: number;
    /** The chain of keys that led to it, oldest first: each key is signed by the one before it */
    introductions: {
      key: string;
      by: string;
      since: number;
      sig: string;
    }[];
  };
}

export interface SshKey {
  key_id: string;
  name: string;
  public_key: string;
  /** As `ssh-keygen -l` prints it: `SHA256:…` */
  fingerprint: string;
  created_at: string;
}

export interface SshKeyList {
  keys: SshKey[];
}

export interface Statement {
  month: string;
  from: string;
  /** Not included */
  to: string;
  /** The month is over: nothing is booked in it any more */
  is_final: boolean;
  /** Base units that you had when the month began; negative: that you owed */
  opening: string;
  /** The same in tokens, for people */
  opening_tokens: string;
  /** What you paid */
  paid: string;
  /** The same in tokens, for people */
  paid_tokens: string;
  /** What your jobs cost that were settled */
  charged: string;
  /** The same in tokens, for people */
  charged_tokens: string;
  refunded: string;
  /** The same in tokens, for people */
  refunded_tokens: string;
  /** What left the vault again */
  withdrawn: string;
  /** The same in tokens, for people */
  withdrawn_tokens: string;
  /** What an operator corrected */
  adjusted: string;
  /** The same in tokens, for people */
  adjusted_tokens: string;
  /** opening + paid - charged + refunded - withdrawn + adjusted */
  closing: string;
  /** The same in tokens, for people */
  closing_tokens: string;
  /** Of that, what is held for jobs which have not ended */
  reserved: string;
  /** The same in tokens, for people */
  reserved_tokens: string;
  /** Jobs that were settled */
  jobs: number;
  entries: number;
  /** Those from `first` to `last` are for what was charged and refunded */
  receipts: {
    /** The number of the first one that was issued in the month; null without any */
    first: number | null;
    /** The number of the newest one that was issued before the month ended; 0 without any */
    last: number;
    /** Its digest: whoever has it sees whether newer ones are held back */
    last_digest: string | null;
  };
  /** What of `charged` less `refunded` they are not for: jobs that a version without receipts settled, and what is charged of jobs that run on, which counts the other way round in the month of their receipts */
  without_receipt: string;
  /** The same in tokens, for people */
  without_receipt_tokens: string;
}

export interface Stuck {
  at: string;
  items: {
    kind: 'job' | 'provider';
    id: string;
    state: string;
    since: string;
    age_s: number;
    waits_for: string;
    /** Of the step that is repeated; 0 if none is */
    attempts: number;
    last_error?: string;
    suggest: string;
    workflow_url?: string;
  }[];
  count: number;
  /** There are more than one answer has */
  has_more: boolean;
}

export interface Template {
  /** What an order names as its `template` */
  id: string;
  name: string;
  description: string;
  /** By a tag or a digest; what runs is the digest that its registry says at the order */
  image: string;
  command?: string[];
  args?: string[];
  entrypoint?: 'image';
  workdir?: string;
  restart?: 'never' | 'on_failure' | 'always';
  env: {
    [name: string]: string;
  };
  ports: {
    port: number;
    name: string;
    protocol: 'http' | 'https' | 'tcp' | 'udp';
  }[];
  /** What is required of the machine unless the order says it itself */
  needs: {
    min_vram_gb?: number;
    min_cuda?: string;
  };
  /** Where its page is, in the job. A port that is not in `ports` is reached by `ssh -L` only */
  page?: {
    port: number;
    path: string;
  };
  /** The program gets a token of the job in this variable, and asks for it */
  token?: {
    variable: string;
    used_as: 'query' | 'bearer' | 'password';
    query?: string;
  };
}

export interface Templates {
  templates: Template[];
}

export interface UnreceiptedBookings {
  bookings: {
    id: string;
    /** claim: earnings that waited got their wallet */
    kind: 'claim' | 'payout' | 'payment';
    wallet: string;
    amount: string;
    at: string;
    /** Of what was paid by hand */
    reference?: string;
    claimed?: {
      provider_id: string;
      /** What the wallet signed for the machine */
      delegation: {
        [name: string]: unknown;
      };
      signature: string;
      chain_id: number;
    };
  }[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
  batch: {
    number: number;
    cut_at: string;
  };
}

export interface WalletEntries {
  entries: WalletEntry[];
  count: number;
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface WalletEntry {
  id: string;
  kind:
    | 'deposit'
    | 'reserve'
    | 'trim'
    | 'settle'
    | 'refund'
    | 'claim'
    | 'payout'
    | 'adjust'
    | 'withdraw_hold'
    | 'withdraw_void'
    | 'withdrawn';
  /** Base units by which all that you have changed; 0 where money was only reserved or freed */
  amount: string;
  /** Base units by which what is reserved of it changed */
  reserved: string;
  /** All that you had then; negative: what you owed */
  balance_after: string;
  /** When it was booked */
  at: string;
  job_id?: string;
  /** Of a refund; or where a payment can be looked up */
  reason?: string;
  /** When the job was settled, if it was booked after an upgrade */
  settled_at?: string;
}

export interface WalletEvent {
  /** 1, 2, 3 … within the job, without a gap */
  seq: number;
  job_id: string;
  at: string;
  kind:
    | 'ordered'
    | 'placed'
    | 'pod_created'
    | 'image_pulling'
    | 'image_pulled'
    | 'container_started'
    | 'ssh_ready'
    | 'extended'
    | 'ssh_key_added'
    | 'program_started'
    | 'program_restarted'
    | 'program_exited'
    | 'gpu_lost'
    | 'gpu_back'
    | 'expires_soon'
    | 'limit_near'
    | 'provider_away'
    | 'provider_back'
    | 'ending'
    | 'ended';
  /** What happened, for people */
  text: string;
  /** What happened, for programs; an `ended` has the `job` as it is now */
  data: {
    job?: Job;
    [name: string]: unknown;
  };
  /** Grows with every event of the wallet */
  id: number;
}

export interface WalletEvents {
  events: WalletEvent[];
  /** Send it as `cursor` for the next page; absent on the last */
  next_cursor?: string;
}

export interface WhyNot {
  /** The field of the order, or what else it is */
  limit: string;
  asked: number | string | null;
  /** What could be had; null if there is no figure */
  nearest: number | string | null;
  text: string;
}

export interface Withdrawal {
  withdrawal_id: string;
  amount: string;
  /** The same in tokens, for people */
  amount_tokens: string;
  /** In units of the token, as it is signed: what you have taken out in all, with this */
  cumulative: string;
  /** By the time of the chain; null until it is signed */
  deadline: string | null;
  /** Of the vault’s operator; null until it is signed */
  signature: string | null;
  /** What your wallet sends to have it; null until it is signed. Nobody else can use it */
  call: {
    /** The vault */
    to: string;
    data: string;
  } | null;
}

/** Codes that every route may answer. */
export type CommonError =
  | 'dependency_unavailable'
  | 'headers_too_large'
  | 'internal_error'
  | 'malformed_request'
  | 'rate_limited'
  | 'request_timeout';

/** Codes of every route that takes a credential. */
export type AuthError =
  | 'auth_ambiguous'
  | 'auth_backend_unavailable'
  | 'auth_required'
  | 'nonce_reused'
  | 'session_expired'
  | 'session_revoked'
  | 'session_unknown'
  | 'signature_invalid'
  | 'timestamp_skew'
  | 'validation_failed';

/** Every route: what it takes, and what it answers. */
export interface Routes {
  /** Take back a block */
  'DELETE /api/v1/admin/blocks/:kind/:value': {
    body: undefined;
    query: undefined;
    reply: undefined;
    errors: CommonError | AuthError | 'not_found' | 'scope_denied';
  };
  /** End a job of any customer, who is told the reason */
  'DELETE /api/v1/admin/jobs/:id': {
    body: {
      /** Why; the customer reads it in `message` */
      reason: string;
    };
    query: undefined;
    reply: AdminJob;
    errors: CommonError | AuthError | 'job_not_found' | 'payload_too_large' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Revoke all sessions of the wallet, this one too */
  'DELETE /api/v1/auth/sessions': {
    body: undefined;
    query: undefined;
    reply: undefined;
    errors: CommonError | AuthError;
  };
  /** Revoke a session of the wallet, and its tokens */
  'DELETE /api/v1/auth/sessions/:id': {
    body: undefined;
    query: undefined;
    reply: undefined;
    errors: CommonError | AuthError | 'session_not_found';
  };
  /** Revoke a token of the wallet */
  'DELETE /api/v1/auth/tokens/:id': {
    body: undefined;
    query: undefined;
    reply: undefined;
    errors: CommonError | AuthError | 'token_not_found';
  };
  /** Have no monthly cap any more; needs the scope `billing:write` */
  'DELETE /api/v1/billing/monthly-cap': {
    body: undefined;
    query: undefined;
    reply: undefined;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** End a job, and wait until everything it held is released */
  'DELETE /api/v1/jobs/:id': {
    body: undefined;
    query: undefined;
    reply: Job;
    errors: CommonError | AuthError | 'job_not_found' | 'scope_denied';
  };
  /** Go back to the prices of the agent, for new jobs */
  'DELETE /api/v1/providers/:id/prices': {
    body: undefined;
    query: undefined;
    reply: OwnProvider;
    errors: CommonError | AuthError | 'provider_not_found' | 'scope_denied';
  };
  /** Delete an SSH key; running jobs keep it */
  'DELETE /api/v1/ssh-keys/:id': {
    body: undefined;
    query: undefined;
    reply: undefined;
    errors: CommonError | AuthError | 'scope_denied' | 'ssh_key_not_found';
  };
  /** Where the console, the documentation and the description of this API are; browsers are sent to the console */
  'GET /': {
    body: undefined;
    query: undefined;
    reply: Front;
    errors: CommonError;
  };
  /** What operators and owners changed, newest first */
  'GET /api/v1/admin/audit': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      actor?: string;
      /** The id of a job or a provider, a wallet, an image */
      target?: string;
      action?: string;
    };
    reply: AuditRows;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** List what is blocked, by kind and value */
  'GET /api/v1/admin/blocks': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      kind?: 'wallet' | 'provider' | 'image';
    };
    reply: Blocks;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** Whether a wallet, a provider or an image is blocked, and why */
  'GET /api/v1/admin/blocks/:kind/:value': {
    body: undefined;
    query: undefined;
    reply: Block;
    errors: CommonError | AuthError | 'not_found' | 'scope_denied';
  };
  /** What moved money of wallets without a receipt, by the cut of a settlement; oldest first */
  'GET /api/v1/admin/bookings': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      batch: number;
    };
    reply: UnreceiptedBookings;
    errors: CommonError | AuthError | 'chain_off' | 'scope_denied' | 'settlement_not_found';
  };
  /** Messages of providers that could have no effect, newest first */
  'GET /api/v1/admin/dead-letters': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      stream?: 'provider:registration' | 'provider:heartbeat' | 'provider:capacity';
      /** Letters whose message names it */
      provider_id?: string;
    };
    reply: DeadLetters;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** List the jobs of all customers, newest first */
  'GET /api/v1/admin/jobs': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      wallet?: string;
      provider_id?: string;
      /** One or several, with commas between them; `active` for all that are not over */
      status?: string;
      /** Ordered longer ago than this */
      older_than_s?: number;
    };
    reply: AdminJobs;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** Read a job of any customer, and where it is in the cluster */
  'GET /api/v1/admin/jobs/:id': {
    body: undefined;
    query: undefined;
    reply: AdminJob;
    errors: CommonError | AuthError | 'job_not_found' | 'scope_denied';
  };
  /** Why a job failed, in the words of Kubernetes */
  'GET /api/v1/admin/jobs/:id/failure': {
    body: undefined;
    query: undefined;
    reply: {
      job_id: string;
      wallet: string;
      provider_id?: string;
      image: string;
      /** Absent unless the job failed */
      failure_reason?: string;
      /** What the customer is told */
      failure_message?: string;
      kubernetes_said?: string;
    };
    errors: CommonError | AuthError | 'job_not_found' | 'scope_denied';
  };
  /** How the site does: jobs, providers, revenue, streams, the reconciler */
  'GET /api/v1/admin/overview': {
    body: undefined;
    query: undefined;
    reply: Overview;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** List all providers, and what those wait for that are not in service */
  'GET /api/v1/admin/providers': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** `pending` lists those that wait to join */
      status?: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
    };
    reply: AdminProviders;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** The receipts of all customers, newest first; also as `text/csv` */
  'GET /api/v1/admin/receipts': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** Issued at this time or later; a time, or a day of UTC */
      from?: string;
      /** Issued before */
      to?: string;
      /** The customer */
      wallet?: string;
      /** The wallet of the provider; the zero address: nobody has proven it */
      payee?: string;
      job_id?: string;
      status?: 'signed' | 'pending';
      /** What explains this settlement, oldest first; goes with `from` alone */
      batch?: number;
    };
    reply: Receipts;
    errors: CommonError | AuthError | 'chain_off' | 'scope_denied' | 'settlement_not_found';
  };
  /** What was charged and kept, what is owed to whom, and whether the books agree; rows also as `text/csv` */
  'GET /api/v1/admin/revenue': {
    body: undefined;
    query: {
      /** A time, or a day of UTC; 31 days before `to` unless given */
      from?: string;
      /** Not included; the end of today (UTC) unless given */
      to?: string;
      /** What each row is of */
      by?: 'day' | 'provider' | 'gpu_type';
    };
    reply: Revenue;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** The vault as last seen, what its settlement waits for, and whether settlements are stopped and why */
  'GET /api/v1/admin/settlements': {
    body: undefined;
    query: undefined;
    reply: AdminSettlements;
    errors: CommonError | AuthError | 'chain_off' | 'scope_denied';
  };
  /** Jobs and providers that wait longer than usual, what for, and what may help */
  'GET /api/v1/admin/stuck': {
    body: undefined;
    query: undefined;
    reply: Stuck;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** Find the namespaces of a wallet, or the wallet of a namespace */
  'GET /api/v1/admin/tenants': {
    body: undefined;
    query: {
      /** The wallet whose namespaces to list */
      wallet?: string;
      /** The namespace whose wallet to find */
      namespace?: string;
    };
    reply: {
      tenants: {
        namespace: string;
        wallet: string;
      }[];
    };
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** Whom this credential speaks for, and how much it may still spend */
  'GET /api/v1/auth/me': {
    body: undefined;
    query: undefined;
    reply: {
      wallet: string;
      session_id: string;
      session_key: string;
      token_id?: string;
      kind: 'signed' | 'bearer';
      scopes: string[];
      expires_at: string;
      /** Base units: 10^18 of them are one token */
      spend_limit: string;
      /** Base units: 10^18 of them are one token */
      spend_reserved: string;
      /** Base units: 10^18 of them are one token */
      spend_spent: string;
      /** Base units: 10^18 of them are one token */
      spend_remaining: string;
      /** Whether the wallet may log in with the scope `admin` */
      may_be_admin: boolean;
    };
    errors: CommonError | AuthError;
  };
  /** List your sessions, newest first, with their live tokens */
  'GET /api/v1/auth/sessions': {
    body: undefined;
    query: undefined;
    reply: {
      sessions: {
        session_id: string;
        session_key: string;
        /** The session of this request */
        current: boolean;
        live: boolean;
        label?: string;
        chain_id: number;
        wallet_kind: 'eoa' | 'contract';
        scopes: string[];
        /** Base units: 10^18 of them are one token */
        spend_limit: string;
        /** Base units: 10^18 of them are one token */
        spend_reserved: string;
        /** Base units: 10^18 of them are one token */
        spend_spent: string;
        created_at: string;
        expires_at: string;
        revoked_at?: string;
        /** To the minute */
        last_used_at?: string;
        tokens: {
          token_id: string;
          scopes: string[];
          expires_at: string;
        }[];
      }[];
    };
    errors: CommonError | AuthError;
  };
  /** What your jobs cost, by job, day, provider, GPU type or session; also as `text/csv` */
  'GET /api/v1/billing': {
    body: undefined;
    query: {
      /** A time, or a day of UTC; 31 days before `to` unless given */
      from?: string;
      /** Not included; the end of today (UTC) unless given */
      to?: string;
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** What each row is of */
      by?: 'job' | 'day' | 'provider' | 'gpu_type' | 'session';
    };
    reply: Billing;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** What you have, what is reserved of it, what you owe, and your monthly cap */
  'GET /api/v1/billing/balance': {
    body: undefined;
    query: undefined;
    reply: Balance;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** What you have in the vault, what may be drawn of it, and what is on its way */
  'GET /api/v1/billing/deposits': {
    body: undefined;
    query: undefined;
    reply: Deposits;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** Every booking of your money, newest first; also as `text/csv` */
  'GET /api/v1/billing/entries': {
    body: undefined;
    query: {
      /** A time, or a day of UTC; 31 days before `to` unless given */
      from?: string;
      /** Not included; the end of today (UTC) unless given */
      to?: string;
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
    };
    reply: WalletEntries;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** What became of your money in a month; its bookings as `text/csv` */
  'GET /api/v1/billing/statements/:month': {
    body: undefined;
    query: undefined;
    reply: Statement;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** What happened to all your jobs; with `Accept: text/event-stream` what happens from now on */
  'GET /api/v1/events': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** Only later events than this one: its `seq`, or its `id` in the events of all jobs */
      after?: number;
    };
    reply: WalletEvents;
    errors: CommonError | AuthError | 'quota_exceeded' | 'scope_denied';
  };
  /** List your jobs, newest first */
  'GET /api/v1/jobs': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** One or several, with commas between them; `active` for all that are not over */
      status?: string;
      /** Exactly this `job_name` */
      name?: string;
      provider_id?: string;
      /** Ordered at this time or later */
      since?: string;
    };
    reply: Jobs;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** Read one of your jobs */
  'GET /api/v1/jobs/:id': {
    body: undefined;
    query: undefined;
    reply: Job;
    errors: CommonError | AuthError | 'job_not_found' | 'scope_denied';
  };
  /** What happened to a job; with `Accept: text/event-stream` as it happens, until the job has ended */
  'GET /api/v1/jobs/:id/events': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** Only later events than this one: its `seq`, or its `id` in the events of all jobs */
      after?: number;
    };
    reply: JobEvents | undefined;
    errors: CommonError | AuthError | 'job_not_found' | 'quota_exceeded' | 'scope_denied';
  };
  /** What a job has written; with `Accept: text/event-stream` or `follow=true` as it is written, until it has ended */
  'GET /api/v1/jobs/:id/logs': {
    body: undefined;
    query: {
      /** The last lines only; 500 unless given, or 5000 with `since` */
      tail?: number;
      /** What was written at this time or later */
      since?: string;
      /** A stream, the same as with `Accept: text/event-stream` */
      follow?: 'true' | 'false';
    };
    reply: JobLog | undefined;
    errors: CommonError | AuthError | 'job_not_found' | 'quota_exceeded' | 'scope_denied';
  };
  /** The last receipt of a job: what it cost after all refunds */
  'GET /api/v1/jobs/:id/receipt': {
    body: undefined;
    query: undefined;
    reply: Receipt;
    errors: CommonError | AuthError | 'job_not_found' | 'receipt_not_found' | 'scope_denied';
  };
  /** What a job uses of processor, memory and GPUs, and what its main program is doing, asked of its machine */
  'GET /api/v1/jobs/:id/use': {
    body: undefined;
    query: {
      /** The last samples only */
      last?: number;
    };
    reply: JobUse;
    errors:
      | CommonError
      | AuthError
      | 'job_ended'
      | 'job_not_found'
      | 'job_not_running'
      | 'machine_not_asked'
      | 'machine_unreachable'
      | 'scope_denied';
  };
  /** How many GPUs of each type there are, how many are free, and what they cost */
  'GET /api/v1/market': {
    body: undefined;
    query: undefined;
    reply: Market;
    errors: CommonError | 'validation_failed';
  };
  /** The same of one GPU type over time, in columns */
  'GET /api/v1/market/history': {
    body: undefined;
    query: {
      /** A GPU type, in any spelling */
      gpu?: string;
      /** The same as `gpu` */
      gpu_type?: string;
      range?: '24h' | '7d' | '90d';
    };
    reply: MarketHistory;
    errors: CommonError | 'validation_failed';
  };
  /** What your providers earned, by day, job or provider; also as `text/csv` */
  'GET /api/v1/me/earnings': {
    body: undefined;
    query: {
      /** A time, or a day of UTC; 31 days before `to` unless given */
      from?: string;
      /** Not included; the end of today (UTC) unless given */
      to?: string;
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** What each row is of */
      by?: 'day' | 'job' | 'provider';
    };
    reply: Earnings;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** What your wallet was paid for what its providers earned, newest first */
  'GET /api/v1/me/earnings/payouts': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
    };
    reply: Payouts;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** The receipts of the jobs that your providers earned with, newest first; also as `text/csv` */
  'GET /api/v1/me/earnings/receipts': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** Issued at this time or later; a time, or a day of UTC */
      from?: string;
      /** Issued before */
      to?: string;
      /** Of one of your providers */
      provider_id?: string;
    };
    reply: Receipts;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** The receipt of a job that one of your providers earned with */
  'GET /api/v1/me/earnings/receipts/:digest': {
    body: undefined;
    query: undefined;
    reply: Receipt;
    errors: CommonError | AuthError | 'receipt_not_found' | 'scope_denied';
  };
  /** Your providers, with what only you are shown of them */
  'GET /api/v1/me/providers': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
    };
    reply: OwnProviderList;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** Mining totals of all providers */
  'GET /api/v1/mining/metrics': {
    body: undefined;
    query: undefined;
    reply: {
      total_mining_providers: number;
      running_mining_pods: number;
      waiting_mining_pods: number;
      failing_mining_pods: number;
      total_mining_gpus: number;
      /** Not rented, whether mining or not */
      total_available_gpus: number;
      total_providers: number;
    };
    errors: CommonError | 'validation_failed';
  };
  /** What is free now, and what a job would cost there */
  'GET /api/v1/offers': {
    body: undefined;
    query: {
      /** A GPU type, in any spelling */
      gpu?: string;
      /** The same as `gpu` */
      gpu_type?: string;
      /** GPUs of one job */
      count?: number;
      /** Nominal memory of each GPU */
      min_vram_gb?: number;
      /** The lowest CUDA version of the driver */
      min_cuda?: number | string;
      /** `amd64` or `arm64` */
      architecture?: string;
      /** `kr` also finds `kr-11` */
      region?: string;
      /** Of the job */
      cpu_cores?: number;
      /** Of the job */
      memory_gb?: number;
      /** Of the job */
      storage_gb?: number;
      duration_hours?: number;
      /** Of one GPU and hour */
      max_price?: number;
      /** 0 to 1; whose reliability is not known is left out */
      min_reliability?: number;
      sort?: 'price' | 'free' | 'reliability';
      /** Also those where such a job cannot start now, each with `why_not` */
      all?: '0' | '1' | 'true' | 'false';
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
    };
    reply: OfferList;
    errors: CommonError | 'validation_failed';
  };
  /** List providers, page by page */
  'GET /api/v1/providers': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** Only those of this owner */
      wallet?: string;
    };
    reply: {
      providers: {
        provider_id: string;
        wallet_addr: string;
        node_name?: string;
        status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
        /** Why it has this status, if that is not `available` */
        state_reason?: string;
        /** It takes no new jobs, by a command of its owner or of an operator */
        cordoned: boolean;
        /** It is cordoned and has no jobs: it may be turned off */
        drained: boolean;
        /** When the last of its jobs ends; if absent, each ends at its own expiry */
        drain_until?: string;
        /** It leaves the fleet after its last job */
        retiring?: boolean;
        /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
        user_namespaces: boolean;
        /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
        not_offered_reason?: string;
        /** Where its owner says that it is */
        region?: string;
        spec: {
          hostname: string;
          os: string;
          kernel_ver: string;
          architecture: string;
          cpu_model: string;
          cpu_cores: number;
          cpu_threads: number;
          total_memory_mb: number;
          gpus: {
            index: number;
            name: string;
            memory_mb: number;
            driver_ver: string;
            cuda_version: string;
          }[];
          total_gpus: number;
          total_disk_gb: number;
          available_disk_gb: number;
          public_ip?: string;
          bandwidth?: string;
        };
        capacity: {
          gpu_count: number;
          cpu_cores: number;
          memory_mb: number;
          /** For its first GPU type; `gpu_prices_per_hour` has all */
          gpu_price_per_hour: number;
          total_gpus: {
            [name: string]: number;
          };
          in_use_gpus: {
            [name: string]: number;
          };
          available_gpus: {
            [name: string]: number;
          };
          gpu_prices_per_hour: {
            [name: string]: number;
          };
          /** Who set it: the provider, or the site's operator for a provider that names no price */
          gpu_price_sources: {
            [name: string]: 'provider' | 'operator' | 'none';
          };
          total_cpu_cores: number;
          available_cpu_cores: number;
          total_memory_mb: number;
          available_memory_mb: number;
          total_disk_gb: number;
          available_disk_gb: number;
          cpu_price_per_hour: number;
          memory_price_per_gb_hr: number;
          storage_price_per_gb_hour: number;
          /** No job starts before this time */
          available_from?: string;
          /** No job is placed or extended to end after this time */
          available_until?: string;
        };
        last_heartbeat?: string;
        registered_at: string;
        joined_at?: string;
      }[];
      /** The number on this page */
      count: number;
      /** Send it as `cursor` for the next page; absent on the last */
      next_cursor?: string;
    };
    errors: CommonError | 'validation_failed';
  };
  /** Read a provider */
  'GET /api/v1/providers/:id': {
    body: undefined;
    query: undefined;
    reply: {
      provider_id: string;
      wallet_addr: string;
      node_name?: string;
      status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
      /** Why it has this status, if that is not `available` */
      state_reason?: string;
      /** It takes no new jobs, by a command of its owner or of an operator */
      cordoned: boolean;
      /** It is cordoned and has no jobs: it may be turned off */
      drained: boolean;
      /** When the last of its jobs ends; if absent, each ends at its own expiry */
      drain_until?: string;
      /** It leaves the fleet after its last job */
      retiring?: boolean;
      /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
      user_namespaces: boolean;
      /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
      not_offered_reason?: string;
      /** Where its owner says that it is */
      region?: string;
      spec: {
        hostname: string;
        os: string;
        kernel_ver: string;
        architecture: string;
        cpu_model: string;
        cpu_cores: number;
        cpu_threads: number;
        total_memory_mb: number;
        gpus: {
          index: number;
          name: string;
          memory_mb: number;
          driver_ver: string;
          cuda_version: string;
        }[];
        total_gpus: number;
        total_disk_gb: number;
        available_disk_gb: number;
        public_ip?: string;
        bandwidth?: string;
      };
      capacity: {
        gpu_count: number;
        cpu_cores: number;
        memory_mb: number;
        /** For its first GPU type; `gpu_prices_per_hour` has all */
        gpu_price_per_hour: number;
        total_gpus: {
          [name: string]: number;
        };
        in_use_gpus: {
          [name: string]: number;
        };
        available_gpus: {
          [name: string]: number;
        };
        gpu_prices_per_hour: {
          [name: string]: number;
        };
        /** Who set it: the provider, or the site's operator for a provider that names no price */
        gpu_price_sources: {
          [name: string]: 'provider' | 'operator' | 'none';
        };
        total_cpu_cores: number;
        available_cpu_cores: number;
        total_memory_mb: number;
        available_memory_mb: number;
        total_disk_gb: number;
        available_disk_gb: number;
        cpu_price_per_hour: number;
        memory_price_per_gb_hr: number;
        storage_price_per_gb_hour: number;
        /** No job starts before this time */
        available_from?: string;
        /** No job is placed or extended to end after this time */
        available_until?: string;
      };
      last_heartbeat?: string;
      registered_at: string;
      joined_at?: string;
    };
    errors: CommonError | 'provider_not_found' | 'validation_failed';
  };
  /** What a provider earned, by day or job; also as `text/csv` */
  'GET /api/v1/providers/:id/earnings': {
    body: undefined;
    query: {
      /** A time, or a day of UTC; 31 days before `to` unless given */
      from?: string;
      /** Not included; the end of today (UTC) unless given */
      to?: string;
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** What each row is of */
      by?: 'day' | 'job';
    };
    reply: Earnings;
    errors: CommonError | AuthError | 'provider_not_found' | 'scope_denied';
  };
  /** The jobs at a provider, newest first; neither whose they are nor what they run */
  'GET /api/v1/providers/:id/jobs': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** `active` leaves out jobs that have ended */
      status?: 'active' | 'all';
    };
    reply: ProviderJobs;
    errors: CommonError | AuthError | 'provider_not_found' | 'scope_denied';
  };
  /** How many of a provider’s GPUs mine, or why none do */
  'GET /api/v1/providers/:id/mining': {
    body: undefined;
    query: undefined;
    reply: {
      provider_id: string;
      mining_status: 'running' | 'pending' | 'failed' | 'stopped';
      /** The name of the Deployment that its pods belong to */
      mining_pod_name: string;
      resources: {
        /** GPUs that mine now */
        gpu_count: number;
        /** For all its miners together, as configured */
        cpu_cores: number;
        memory_mb: number;
      };
      mining_gpu_count: number;
      /** Not rented; a GPU that mines can be rented at any moment */
      available_gpu_count: number;
      /** Whether its owner last enabled mining */
      enabled: boolean;
      miners: {
        wanted: number;
        running: number;
        /** Waiting for a GPU that is not rented */
        waiting: number;
        /** Crashing, or unable to pull the image; retried at growing intervals */
        failing: number;
      };
      /** Why no miner is wanted */
      reason?: string;
    };
    errors: CommonError | 'provider_not_found' | 'validation_failed';
  };
  /** Read a provider’s answers, with a signature of its node key */
  'GET /api/v1/providers/:id/responses': {
    body: undefined;
    query: {
      after?: string;
    };
    reply: {
      /** What owners left here for this machine's key: see `PUT …/delegation` */
      delegations?: {
        reg: string;
        regsig: string;
      }[];
      responses: {
        id: string;
        timestamp: string;
        /** The exact JSON text of `data`, which bsig signs */
        text: string;
        /** The broker's signature, as JSON: see `broker_keys` of the site */
        bsig: string;
        data: {
          success: boolean;
          status: string;
          message?: string;
          join_token?: string;
          join_command?: string;
          master_ip?: string;
          master_port?: number;
          ca_hash?: string;
          node_name?: string;
          labels?: {
            [name: string]: string;
          };
          /** The fields about joining, encrypted if the registration had an enc_key */
          sealed?: string;
          token_id?: string;
          /** If the number of a registration was used before: the lowest acceptable number */
          next_seq?: number;
        };
      }[];
      /** Unix seconds */
      server_time: number;
    };
    errors:
      | CommonError
      | 'auth_backend_unavailable'
      | 'auth_required'
      | 'delegation_invalid'
      | 'nonce_reused'
      | 'signature_invalid'
      | 'timestamp_skew'
      | 'validation_failed';
  };
  /** How busy a provider was */
  'GET /api/v1/providers/:id/usage': {
    body: undefined;
    query: {
      range?: '24h' | '7d' | '30d';
    };
    reply: ProviderUsage;
    errors: CommonError | AuthError | 'provider_not_found' | 'scope_denied';
  };
  /** List free GPUs, per provider and type, page by page */
  'GET /api/v1/providers/gpu-availability': {
    body: undefined;
    query: {
      /** A GPU type, in any spelling */
      gpu?: string;
      /** The same as `gpu` */
      gpu_type?: string;
      /** Nominal memory of each GPU */
      min_vram_gb?: number;
      /** The lowest CUDA version of the driver */
      min_cuda?: number | string;
      /** `amd64` or `arm64` */
      architecture?: string;
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
    };
    reply: {
      providers: {
        provider_id: string;
        gpu_type: string;
        /** Nominal memory of one GPU, if known */
        vram_gb?: number;
        total_gpus: number;
        available_gpus: number;
        cluster_online: boolean;
        can_create_job: boolean;
        /** Why it is not offered, although the machine is well */
        not_offered_reason?: string;
        /** For one GPU */
        price_per_hour: number;
        price_source: 'provider' | 'operator' | 'none';
      }[];
      /** On all pages */
      total_gpus: number;
      /** On all pages */
      total_available: number;
      /** The number on this page */
      count: number;
      /** Send it as `cursor` for the next page; absent on the last */
      next_cursor?: string;
      /** Types near to a requested one that is not available; for an unknown name, types that may have been meant */
      near?: string[];
    };
    errors: CommonError | 'validation_failed';
  };
  /** Search for providers */
  'GET /api/v1/providers/search': {
    body: undefined;
    query: {
      status?: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
      /** A GPU type, in any spelling */
      gpu?: string;
      /** The same as `gpu` */
      gpu_type?: string;
      /** Nominal memory of each GPU */
      min_vram_gb?: number;
      /** The lowest CUDA version of the driver */
      min_cuda?: number | string;
      /** `amd64` or `arm64` */
      architecture?: string;
      /** GPUs that are free at one provider */
      gpu_count?: number;
      /** MB */
      min_ram?: number;
      /** Cores */
      min_cpu?: number;
      /** GB */
      min_disk?: number;
      /** Per GPU and hour */
      max_price?: number;
      sort?: 'price' | 'available_gpus' | 'registered_at';
      /** 1 to 100 */
      limit?: number;
      offset?: number;
    };
    reply: {
      providers: {
        provider_id: string;
        wallet_addr: string;
        node_name?: string;
        status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
        /** Why it has this status, if that is not `available` */
        state_reason?: string;
        /** It takes no new jobs, by a command of its owner or of an operator */
        cordoned: boolean;
        /** It is cordoned and has no jobs: it may be turned off */
        drained: boolean;
        /** When the last of its jobs ends; if absent, each ends at its own expiry */
        drain_until?: string;
        /** It leaves the fleet after its last job */
        retiring?: boolean;
        /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
        user_namespaces: boolean;
        /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
        not_offered_reason?: string;
        /** Where its owner says that it is */
        region?: string;
        spec: {
          hostname: string;
          os: string;
          kernel_ver: string;
          architecture: string;
          cpu_model: string;
          cpu_cores: number;
          cpu_threads: number;
          total_memory_mb: number;
          gpus: {
            index: number;
            name: string;
            memory_mb: number;
            driver_ver: string;
            cuda_version: string;
          }[];
          total_gpus: number;
          total_disk_gb: number;
          available_disk_gb: number;
          public_ip?: string;
          bandwidth?: string;
        };
        capacity: {
          gpu_count: number;
          cpu_cores: number;
          memory_mb: number;
          /** For its first GPU type; `gpu_prices_per_hour` has all */
          gpu_price_per_hour: number;
          total_gpus: {
            [name: string]: number;
          };
          in_use_gpus: {
            [name: string]: number;
          };
          available_gpus: {
            [name: string]: number;
          };
          gpu_prices_per_hour: {
            [name: string]: number;
          };
          /** Who set it: the provider, or the site's operator for a provider that names no price */
          gpu_price_sources: {
            [name: string]: 'provider' | 'operator' | 'none';
          };
          total_cpu_cores: number;
          available_cpu_cores: number;
          total_memory_mb: number;
          available_memory_mb: number;
          total_disk_gb: number;
          available_disk_gb: number;
          cpu_price_per_hour: number;
          memory_price_per_gb_hr: number;
          storage_price_per_gb_hour: number;
          /** No job starts before this time */
          available_from?: string;
          /** No job is placed or extended to end after this time */
          available_until?: string;
        };
        last_heartbeat?: string;
        registered_at: string;
        joined_at?: string;
      }[];
      /** The number on this page */
      count: number;
      /** Types near to a requested one that is not available; for an unknown name, types that may have been meant */
      near?: string[];
    };
    errors: CommonError | 'validation_failed';
  };
  /** Your receipts, newest first; also as `text/csv` */
  'GET /api/v1/receipts': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
      /** Issued at this time or later; a time, or a day of UTC */
      from?: string;
      /** Issued before */
      to?: string;
    };
    reply: Receipts;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** One of your receipts */
  'GET /api/v1/receipts/:digest': {
    body: undefined;
    query: undefined;
    reply: Receipt;
    errors: CommonError | AuthError | 'receipt_not_found' | 'scope_denied';
  };
  /** The keys that sign receipts, and when each was valid */
  'GET /api/v1/receipts/keys': {
    body: undefined;
    query: undefined;
    reply: ReceiptKeys;
    errors: CommonError | 'validation_failed';
  };
  /** Settlements on the chain, newest first */
  'GET /api/v1/settlements': {
    body: undefined;
    query: {
      /** 1 to 100 */
      limit?: number;
      /** `next_cursor` of the previous page */
      cursor?: string;
    };
    reply: Settlements;
    errors: CommonError | 'chain_off' | 'validation_failed';
  };
  /** One settlement with all its lines: whoever has them can work out its hash */
  'GET /api/v1/settlements/:number': {
    body: undefined;
    query: undefined;
    reply: Settlement;
    errors: CommonError | 'chain_off' | 'settlement_not_found' | 'validation_failed';
  };
  /** Public facts about this broker */
  'GET /api/v1/site': {
    body: undefined;
    query: undefined;
    reply: Site;
    errors: CommonError | 'validation_failed';
  };
  /** List your SSH keys */
  'GET /api/v1/ssh-keys': {
    body: undefined;
    query: undefined;
    reply: SshKeyList;
    errors: CommonError | AuthError | 'scope_denied';
  };
  /** What can be ordered by a name: images with programs, ports and needs */
  'GET /api/v1/templates': {
    body: undefined;
    query: undefined;
    reply: Templates;
    errors: CommonError | 'validation_failed';
  };
  /** Whether the process responds */
  'GET /health': {
    body: undefined;
    query: undefined;
    reply: {
      status: 'ok';
      /** Unix seconds */
      server_time: number;
    };
    errors: CommonError;
  };
  /** This document */
  'GET /openapi.json': {
    body: undefined;
    query: undefined;
    reply: undefined;
    errors: CommonError | 'validation_failed';
  };
  /** Whether each system that the API needs responds, by name */
  'GET /ready': {
    body: undefined;
    query: undefined;
    reply: {
      status: 'ready' | 'not_ready';
      dependencies: {
        [name: string]: {
          ok: boolean;
          detail?: string;
        };
      };
    };
    errors: CommonError;
  };
  /** Name a job anew */
  'PATCH /api/v1/jobs/:id': {
    body: {
      /** The new name; `null` takes it away */
      job_name: null | string;
    };
    query: undefined;
    reply: Job;
    errors: CommonError | AuthError | 'job_not_found' | 'payload_too_large' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Create a new signing key, which the present one introduces */
  'POST /api/v1/admin/broker-keys': {
    body: undefined;
    query: undefined;
    reply: {
      /** The address of the key that signs answers to providers now */
      key: string;
      /** Unix seconds */
      since: number;
      /** The chain of keys that led to it, oldest first: each key is signed by the one before it */
      introductions: {
        key: string;
        by: string;
        since: number;
        sig: string;
      }[];
    };
    errors: CommonError | AuthError | 'payload_too_large' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Write off what a wallet owes, and let it order again if it was frozen */
  'POST /api/v1/admin/debts': {
    body: {
      wallet: string;
      /** Why; it stays in the books */
      reason: string;
    };
    query: undefined;
    reply: DebtWrittenOff;
    errors:
      | CommonError
      | AuthError
      | 'idempotency_conflict'
      | 'payload_too_large'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Give a customer back a part of what a job cost, or all of it */
  'POST /api/v1/admin/jobs/:id/refunds': {
    body: {
      /** Base units */
      amount?: string;
      /** Instead of `amount`: what this time of the job costs */
      seconds?: number;
      /** Why; the customer reads it */
      reason: string;
    };
    query: undefined;
    reply: Refund;
    errors:
      | CommonError
      | AuthError
      | 'idempotency_conflict'
      | 'job_not_found'
      | 'payload_too_large'
      | 'refund_exceeds_charge'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Book that a customer has paid */
  'POST /api/v1/admin/payments': {
    body: {
      wallet: string;
      /** Base units */
      amount: string;
      /** Where to look it up: of a bank, an exchange or a chain */
      reference: string;
    };
    query: undefined;
    reply: BookedByHand;
    errors:
      | CommonError
      | AuthError
      | 'idempotency_conflict'
      | 'payload_too_large'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Book that a provider’s wallet was paid what it earned */
  'POST /api/v1/admin/payouts': {
    body: {
      wallet: string;
      /** Base units */
      amount: string;
      /** Where to look it up: of a bank, an exchange or a chain */
      reference: string;
    };
    query: undefined;
    reply: BookedByHand;
    errors:
      | CommonError
      | AuthError
      | 'idempotency_conflict'
      | 'payload_too_large'
      | 'payout_exceeds_earnings'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Approve a provider that does not sign */
  'POST /api/v1/admin/providers/:id/approve': {
    body:
      | {
          /** The wallet that the provider names, as you saw it */
          wallet?: string;
        }
      | undefined;
    query: undefined;
    reply: {
      provider_id: string;
      wallet: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'approval_not_needed'
      | 'payload_too_large'
      | 'provider_not_found'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Forget a provider’s failed starts, so that it gets jobs again at once */
  'POST /api/v1/admin/providers/:id/forgive': {
    body: undefined;
    query: undefined;
    reply: {
      provider_id: string;
    };
    errors:
      CommonError | AuthError | 'payload_too_large' | 'provider_not_found' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Let settlements go on after you have looked into why they stopped */
  'POST /api/v1/admin/settlements/resume': {
    body: {
      /** What you found, and why settlements may go on */
      reason: string;
    };
    query: undefined;
    reply: ResumedSettlements;
    errors:
      | CommonError
      | AuthError
      | 'chain_off'
      | 'idempotency_conflict'
      | 'payload_too_large'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Begin a login: get the message that the wallet has to sign */
  'POST /api/v1/auth/challenge': {
    body: {
      wallet: string;
      session_key: string;
      chain_id?: number;
      scopes?: (
        | 'admin'
        | 'billing:write'
        | 'jobs:read'
        | 'jobs:write'
        | 'providers:read'
        | 'providers:write'
        | 'settlements:read'
      )[];
      spend_limit?: string;
      ttl_seconds?: number;
    };
    query: undefined;
    reply: {
      /** Ready for eth_signTypedData_v4 */
      typed_data: {
        types: unknown;
        primaryType: string;
        domain: unknown;
        message: unknown;
      };
      nonce: string;
      /** Seconds */
      expires_in: number;
      /** Unix seconds */
      server_time: number;
    };
    errors: CommonError | 'payload_too_large' | 'scope_denied' | 'unsupported_media_type' | 'validation_failed';
  };
  /** Revoke one session or all with the wallet’s own signature, in case the session key is lost */
  'POST /api/v1/auth/revoke': {
    body: {
      message: {
        wallet: string;
        sessionKey: string;
        audience: string;
        issuedAt: number | string;
        nonce: string;
      };
      chain_id: number;
      signature: string;
    };
    query: undefined;
    reply: undefined;
    errors:
      | CommonError
      | 'auth_backend_unavailable'
      | 'nonce_reused'
      | 'payload_too_large'
      | 'session_not_found'
      | 'signature_invalid'
      | 'timestamp_skew'
      | 'unsupported_media_type'
      | 'validation_failed';
  };
  /** Finish a login: the session key that signs this request speaks for the wallet */
  'POST /api/v1/auth/sessions': {
    body: {
      message: {
        wallet: string;
        sessionKey: string;
        audience: string;
        statement: string;
        scopes: string;
        spendLimit: string;
        issuedAt: number | string;
        expiresAt: number | string;
        nonce: string;
      };
      chain_id: number;
      signature: string;
      label?: string;
    };
    query: undefined;
    reply: {
      session_id: string;
      wallet: string;
      session_key: string;
      scopes: string[];
      /** Base units: 10^18 of them are one token */
      spend_limit: string;
      expires_at: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'blocked'
      | 'challenge_invalid'
      | 'payload_too_large'
      | 'quota_exceeded'
      | 'scope_denied'
      | 'session_key_in_use'
      | 'unsupported_media_type';
  };
  /** Create a bearer token with some of the session’s scopes */
  'POST /api/v1/auth/tokens': {
    body: {
      scopes?: (
        | 'admin'
        | 'billing:write'
        | 'jobs:read'
        | 'jobs:write'
        | 'providers:read'
        | 'providers:write'
        | 'settlements:read'
      )[];
      ttl_seconds?: number;
    };
    query: undefined;
    reply: {
      /** Shown only once */
      token: string;
      token_id: string;
      scopes: string[];
      expires_at: string;
    };
    errors:
      CommonError | AuthError | 'payload_too_large' | 'quota_exceeded' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Let the vault draw more of what you deposited, without gas: what your wallet signed counts at once */
  'POST /api/v1/billing/permits': {
    body: {
      /** Base units that all draws may come to; not less than you have signed before */
      cumulative_cap: string;
      /** Of `permit_typed_data` of your deposits, with your cap in it, by your wallet */
      signature: string;
    };
    query: undefined;
    reply: undefined;
    errors: CommonError | AuthError | 'chain_off' | 'payload_too_large' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Take free money out of the vault: the reply has the call that your wallet sends within 15 minutes */
  'POST /api/v1/billing/withdrawals': {
    body: {
      /** Base units: at most what is `available` of your deposits */
      amount: string;
    };
    query: undefined;
    reply: Withdrawal;
    errors:
      | CommonError
      | AuthError
      | 'chain_off'
      | 'exit_pending'
      | 'idempotency_conflict'
      | 'insufficient_funds'
      | 'payload_too_large'
      | 'scope_denied'
      | 'unsupported_media_type'
      | 'withdrawal_pending';
  };
  /** Rent GPUs, and wait until SSH answers */
  'POST /api/v1/jobs': {
    body: {
      provider_id?: null | string;
      exclude_providers?: string[];
      gpu_type?: null | string;
      /** The same as `gpu_type` */
      gpu?: null | string;
      /** Of each GPU, as GPUs are sold */
      min_vram_gb?: number | string;
      /** The newest CUDA that the driver supports is at least this */
      min_cuda?: null | number | string;
      /** `amd64` unless given */
      architecture?: null | string;
      gpu_count?: number | string;
      job_name?: null | string;
      image?: null | string;
      /** A login at the registry of `image`, if it is private; kept like `env`, and only while the job lasts */
      registry_auth?: {
        username: string;
        password: string;
      };
      cpu_cores?: number | string;
      memory_gb?: number | string;
      shm_gb?: number | string;
      storage_gb?: number | string;
      duration_hours?: number | string;
      /** Who may log in; at least one key here or in `ssh_key_ids` */
      ssh_public_keys?: string[];
      /** The same, by ids of keys that you keep here: see `GET /api/v1/ssh-keys` */
      ssh_key_ids?: string[];
      ssh_password?: never;
      env?: {
        [name: string]: string;
      };
      /** The main program and its arguments, without a shell: for one, `["sh", "-c", "…"]` */
      command?: string[];
      /** Further arguments of `command`; with `entrypoint`, in place of the image's own */
      args?: string[];
      /** Where it starts; the image's folder unless given */
      workdir?: null | string;
      /** `image`: the main program is what the image itself would run */
      entrypoint?: '' | null | 'image';
      /** When the program is started again after it has ended; `never` unless given */
      restart?: '' | null | 'never' | 'on_failure' | 'always';
      /** The job ends with its program: `completed` if that ends with 0, else `failed` */
      end_with_command?: boolean;
      /** Ports that are reached from outside, besides SSH. A few are free: see `GET /api/v1/site` */
      ports?: {
        /** What the program listens on, on all addresses of its container; not 22 or 2222 */
        port: number;
        /** Of its endpoint, a DNS label; `port-8888` unless given */
        name?: null | string;
        /** How the program speaks; `http` and `https` get a URL */
        protocol?: 'http' | 'https' | 'tcp' | 'udp';
      }[];
      /** Fills in what the order leaves out: see `GET /api/v1/templates`. Variables and ports are added to its own */
      template?: null | string;
      max_price_per_hour?: number | string;
      /** Of a quote that binds: the order costs no more than it said */
      quote_id?: null | string;
    };
    query: undefined;
    reply: Job;
    errors:
      | CommonError
      | AuthError
      | 'blocked'
      | 'container_exited'
      | 'container_not_created'
      | 'exit_pending'
      | 'funds_withdrawn'
      | 'idempotency_conflict'
      | 'image_not_found'
      | 'image_platform'
      | 'image_private'
      | 'image_pull_failed'
      | 'image_unresolved'
      | 'insufficient_funds'
      | 'monthly_cap_reached'
      | 'no_capacity'
      | 'no_ports_left'
      | 'payload_too_large'
      | 'pod_deleted'
      | 'pod_refused'
      | 'ports_unreachable'
      | 'provider_drained'
      | 'provider_lost'
      | 'quota_exceeded'
      | 'quote_expired'
      | 'quote_mismatch'
      | 'scope_denied'
      | 'settlement_stalled'
      | 'spend_limit_exceeded'
      | 'start_timeout'
      | 'storage_exceeded'
      | 'unschedulable'
      | 'unsupported_media_type';
  };
  /** Extend a job */
  'POST /api/v1/jobs/:id/extend': {
    body: {
      additional_hours: number | string;
    };
    query: undefined;
    reply: Job;
    errors:
      | CommonError
      | AuthError
      | 'blocked'
      | 'duration_limit'
      | 'exit_pending'
      | 'extension_limit'
      | 'idempotency_conflict'
      | 'insufficient_funds'
      | 'job_ended'
      | 'job_not_found'
      | 'job_not_running'
      | 'monthly_cap_reached'
      | 'payload_too_large'
      | 'provider_drained'
      | 'scope_denied'
      | 'spend_limit_exceeded'
      | 'unsupported_media_type';
  };
  /** Let another SSH key in to a job */
  'POST /api/v1/jobs/:id/ssh-keys': {
    body: {
      /** One line of an `id_….pub` file */
      public_key: string;
    };
    query: undefined;
    reply: JobSshKey;
    errors:
      | CommonError
      | AuthError
      | 'job_ended'
      | 'job_not_found'
      | 'payload_too_large'
      | 'quota_exceeded'
      | 'scope_denied'
      | 'ssh_keys_final'
      | 'unsupported_media_type';
  };
  /** Claim a provider that registered unsigned with this session’s wallet */
  'POST /api/v1/providers/:id/claim': {
    body: {
      message: {
        providerId: string;
        wallet: string;
        nodeKey: string;
        specHash: string;
        audience: string;
        issuedAt: number | string;
        expiresAt: number | string;
        nonce: string;
      };
      /** The wallet’s signature of the message */
      signature: string;
    };
    query: undefined;
    reply: {
      provider_id: string;
      wallet: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'approval_not_needed'
      | 'delegation_invalid'
      | 'payload_too_large'
      | 'provider_not_found'
      | 'provider_not_yours'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Give a provider no new jobs; running jobs continue */
  'POST /api/v1/providers/:id/cordon': {
    body: undefined;
    query: undefined;
    reply: {
      provider_id: string;
      wallet_addr: string;
      node_name?: string;
      status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
      /** Why it has this status, if that is not `available` */
      state_reason?: string;
      /** It takes no new jobs, by a command of its owner or of an operator */
      cordoned: boolean;
      /** It is cordoned and has no jobs: it may be turned off */
      drained: boolean;
      /** When the last of its jobs ends; if absent, each ends at its own expiry */
      drain_until?: string;
      /** It leaves the fleet after its last job */
      retiring?: boolean;
      /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
      user_namespaces: boolean;
      /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
      not_offered_reason?: string;
      /** Where its owner says that it is */
      region?: string;
      spec: {
        hostname: string;
        os: string;
        kernel_ver: string;
        architecture: string;
        cpu_model: string;
        cpu_cores: number;
        cpu_threads: number;
        total_memory_mb: number;
        gpus: {
          index: number;
          name: string;
          memory_mb: number;
          driver_ver: string;
          cuda_version: string;
        }[];
        total_gpus: number;
        total_disk_gb: number;
        available_disk_gb: number;
        public_ip?: string;
        bandwidth?: string;
      };
      capacity: {
        gpu_count: number;
        cpu_cores: number;
        memory_mb: number;
        /** For its first GPU type; `gpu_prices_per_hour` has all */
        gpu_price_per_hour: number;
        total_gpus: {
          [name: string]: number;
        };
        in_use_gpus: {
          [name: string]: number;
        };
        available_gpus: {
          [name: string]: number;
        };
        gpu_prices_per_hour: {
          [name: string]: number;
        };
        /** Who set it: the provider, or the site's operator for a provider that names no price */
        gpu_price_sources: {
          [name: string]: 'provider' | 'operator' | 'none';
        };
        total_cpu_cores: number;
        available_cpu_cores: number;
        total_memory_mb: number;
        available_memory_mb: number;
        total_disk_gb: number;
        available_disk_gb: number;
        cpu_price_per_hour: number;
        memory_price_per_gb_hr: number;
        storage_price_per_gb_hour: number;
        /** No job starts before this time */
        available_from?: string;
        /** No job is placed or extended to end after this time */
        available_until?: string;
      };
      last_heartbeat?: string;
      registered_at: string;
      joined_at?: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'payload_too_large'
      | 'provider_not_found'
      | 'provider_retired'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Give a provider no new jobs, and end its running jobs */
  'POST /api/v1/providers/:id/drain': {
    body:
      | {
          /** Seconds until its jobs end at the latest; if absent, each ends at its own expiry */
          deadline_s?: number;
        }
      | undefined;
    query: undefined;
    reply: {
      provider_id: string;
      wallet_addr: string;
      node_name?: string;
      status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
      /** Why it has this status, if that is not `available` */
      state_reason?: string;
      /** It takes no new jobs, by a command of its owner or of an operator */
      cordoned: boolean;
      /** It is cordoned and has no jobs: it may be turned off */
      drained: boolean;
      /** When the last of its jobs ends; if absent, each ends at its own expiry */
      drain_until?: string;
      /** It leaves the fleet after its last job */
      retiring?: boolean;
      /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
      user_namespaces: boolean;
      /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
      not_offered_reason?: string;
      /** Where its owner says that it is */
      region?: string;
      spec: {
        hostname: string;
        os: string;
        kernel_ver: string;
        architecture: string;
        cpu_model: string;
        cpu_cores: number;
        cpu_threads: number;
        total_memory_mb: number;
        gpus: {
          index: number;
          name: string;
          memory_mb: number;
          driver_ver: string;
          cuda_version: string;
        }[];
        total_gpus: number;
        total_disk_gb: number;
        available_disk_gb: number;
        public_ip?: string;
        bandwidth?: string;
      };
      capacity: {
        gpu_count: number;
        cpu_cores: number;
        memory_mb: number;
        /** For its first GPU type; `gpu_prices_per_hour` has all */
        gpu_price_per_hour: number;
        total_gpus: {
          [name: string]: number;
        };
        in_use_gpus: {
          [name: string]: number;
        };
        available_gpus: {
          [name: string]: number;
        };
        gpu_prices_per_hour: {
          [name: string]: number;
        };
        /** Who set it: the provider, or the site's operator for a provider that names no price */
        gpu_price_sources: {
          [name: string]: 'provider' | 'operator' | 'none';
        };
        total_cpu_cores: number;
        available_cpu_cores: number;
        total_memory_mb: number;
        available_memory_mb: number;
        total_disk_gb: number;
        available_disk_gb: number;
        cpu_price_per_hour: number;
        memory_price_per_gb_hr: number;
        storage_price_per_gb_hour: number;
        /** No job starts before this time */
        available_from?: string;
        /** No job is placed or extended to end after this time */
        available_until?: string;
      };
      last_heartbeat?: string;
      registered_at: string;
      joined_at?: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'payload_too_large'
      | 'provider_not_found'
      | 'provider_retired'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** The same as drain */
  'POST /api/v1/providers/:id/maintenance': {
    body:
      | {
          /** Seconds until its jobs end at the latest; if absent, each ends at its own expiry */
          deadline_s?: number;
        }
      | undefined;
    query: undefined;
    reply: {
      provider_id: string;
      wallet_addr: string;
      node_name?: string;
      status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
      /** Why it has this status, if that is not `available` */
      state_reason?: string;
      /** It takes no new jobs, by a command of its owner or of an operator */
      cordoned: boolean;
      /** It is cordoned and has no jobs: it may be turned off */
      drained: boolean;
      /** When the last of its jobs ends; if absent, each ends at its own expiry */
      drain_until?: string;
      /** It leaves the fleet after its last job */
      retiring?: boolean;
      /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
      user_namespaces: boolean;
      /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
      not_offered_reason?: string;
      /** Where its owner says that it is */
      region?: string;
      spec: {
        hostname: string;
        os: string;
        kernel_ver: string;
        architecture: string;
        cpu_model: string;
        cpu_cores: number;
        cpu_threads: number;
        total_memory_mb: number;
        gpus: {
          index: number;
          name: string;
          memory_mb: number;
          driver_ver: string;
          cuda_version: string;
        }[];
        total_gpus: number;
        total_disk_gb: number;
        available_disk_gb: number;
        public_ip?: string;
        bandwidth?: string;
      };
      capacity: {
        gpu_count: number;
        cpu_cores: number;
        memory_mb: number;
        /** For its first GPU type; `gpu_prices_per_hour` has all */
        gpu_price_per_hour: number;
        total_gpus: {
          [name: string]: number;
        };
        in_use_gpus: {
          [name: string]: number;
        };
        available_gpus: {
          [name: string]: number;
        };
        gpu_prices_per_hour: {
          [name: string]: number;
        };
        /** Who set it: the provider, or the site's operator for a provider that names no price */
        gpu_price_sources: {
          [name: string]: 'provider' | 'operator' | 'none';
        };
        total_cpu_cores: number;
        available_cpu_cores: number;
        total_memory_mb: number;
        available_memory_mb: number;
        total_disk_gb: number;
        available_disk_gb: number;
        cpu_price_per_hour: number;
        memory_price_per_gb_hr: number;
        storage_price_per_gb_hour: number;
        /** No job starts before this time */
        available_from?: string;
        /** No job is placed or extended to end after this time */
        available_until?: string;
      };
      last_heartbeat?: string;
      registered_at: string;
      joined_at?: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'payload_too_large'
      | 'provider_not_found'
      | 'provider_retired'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Report the state of mining without changing it: jobs take GPUs from miners and return them automatically */
  'POST /api/v1/providers/:id/mining/allocate': {
    body:
      | {
          gpu_count?: number;
          gpu_type?: string;
          reason?: string;
        }
      | undefined;
    query: undefined;
    reply: {
      success: true;
      message: string;
      mining_status: {
        provider_id: string;
        mining_status: 'running' | 'pending' | 'failed' | 'stopped';
        /** The name of the Deployment that its pods belong to */
        mining_pod_name: string;
        resources: {
          /** GPUs that mine now */
          gpu_count: number;
          /** For all its miners together, as configured */
          cpu_cores: number;
          memory_mb: number;
        };
        mining_gpu_count: number;
        /** Not rented; a GPU that mines can be rented at any moment */
        available_gpu_count: number;
        /** Whether its owner last enabled mining */
        enabled: boolean;
        miners: {
          wanted: number;
          running: number;
          /** Waiting for a GPU that is not rented */
          waiting: number;
          /** Crashing, or unable to pull the image; retried at growing intervals */
          failing: number;
        };
        /** Why no miner is wanted */
        reason?: string;
      };
    };
    errors:
      CommonError | AuthError | 'payload_too_large' | 'provider_not_found' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Report the state of mining without changing it: jobs take GPUs from miners and return them automatically */
  'POST /api/v1/providers/:id/mining/release': {
    body:
      | {
          gpu_count?: number;
          gpu_type?: string;
          reason?: string;
        }
      | undefined;
    query: undefined;
    reply: {
      success: true;
      message: string;
      mining_status: {
        provider_id: string;
        mining_status: 'running' | 'pending' | 'failed' | 'stopped';
        /** The name of the Deployment that its pods belong to */
        mining_pod_name: string;
        resources: {
          /** GPUs that mine now */
          gpu_count: number;
          /** For all its miners together, as configured */
          cpu_cores: number;
          memory_mb: number;
        };
        mining_gpu_count: number;
        /** Not rented; a GPU that mines can be rented at any moment */
        available_gpu_count: number;
        /** Whether its owner last enabled mining */
        enabled: boolean;
        miners: {
          wanted: number;
          running: number;
          /** Waiting for a GPU that is not rented */
          waiting: number;
          /** Crashing, or unable to pull the image; retried at growing intervals */
          failing: number;
        };
        /** Why no miner is wanted */
        reason?: string;
      };
    };
    errors:
      CommonError | AuthError | 'payload_too_large' | 'provider_not_found' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Let idle GPUs mine; a body sets the configuration until the next registration replaces it */
  'POST /api/v1/providers/:id/mining/start': {
    body:
      | {
          image?: string | null;
          gpu_count?: number | null;
          cpu_cores?: number | null;
          memory_mb?: number | null;
          wallet_address?: string | null;
          extra_args?: string[] | null;
          bootnodes?: string[] | null;
          network_id?: number | null;
          node_data_dir?: string | null;
          p2p_port?: number | null;
          rpc_enabled?: boolean | null;
          rpc_port?: number | null;
          public_ip?: string | null;
          env_vars?: {
            [name: string]: string;
          } | null;
        }
      | undefined;
    query: undefined;
    reply: {
      success: true;
      message: string;
      mining_status: {
        provider_id: string;
        mining_status: 'running' | 'pending' | 'failed' | 'stopped';
        /** The name of the Deployment that its pods belong to */
        mining_pod_name: string;
        resources: {
          /** GPUs that mine now */
          gpu_count: number;
          /** For all its miners together, as configured */
          cpu_cores: number;
          memory_mb: number;
        };
        mining_gpu_count: number;
        /** Not rented; a GPU that mines can be rented at any moment */
        available_gpu_count: number;
        /** Whether its owner last enabled mining */
        enabled: boolean;
        miners: {
          wanted: number;
          running: number;
          /** Waiting for a GPU that is not rented */
          waiting: number;
          /** Crashing, or unable to pull the image; retried at growing intervals */
          failing: number;
        };
        /** Why no miner is wanted */
        reason?: string;
      };
    };
    errors:
      | CommonError
      | AuthError
      | 'mining_off'
      | 'payload_too_large'
      | 'provider_not_found'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Stop mining until it is started again */
  'POST /api/v1/providers/:id/mining/stop': {
    body: undefined;
    query: undefined;
    reply: {
      success: true;
      message: string;
      mining_status: {
        provider_id: string;
        mining_status: 'running' | 'pending' | 'failed' | 'stopped';
        /** The name of the Deployment that its pods belong to */
        mining_pod_name: string;
        resources: {
          /** GPUs that mine now */
          gpu_count: number;
          /** For all its miners together, as configured */
          cpu_cores: number;
          memory_mb: number;
        };
        mining_gpu_count: number;
        /** Not rented; a GPU that mines can be rented at any moment */
        available_gpu_count: number;
        /** Whether its owner last enabled mining */
        enabled: boolean;
        miners: {
          wanted: number;
          running: number;
          /** Waiting for a GPU that is not rented */
          waiting: number;
          /** Crashing, or unable to pull the image; retried at growing intervals */
          failing: number;
        };
        /** Why no miner is wanted */
        reason?: string;
      };
    };
    errors:
      CommonError | AuthError | 'payload_too_large' | 'provider_not_found' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Drain a provider, and take it out of the fleet after its last job */
  'POST /api/v1/providers/:id/retire': {
    body:
      | {
          /** Seconds until its jobs end at the latest; if absent, each ends at its own expiry */
          deadline_s?: number;
        }
      | undefined;
    query: undefined;
    reply: {
      provider_id: string;
      wallet_addr: string;
      node_name?: string;
      status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
      /** Why it has this status, if that is not `available` */
      state_reason?: string;
      /** It takes no new jobs, by a command of its owner or of an operator */
      cordoned: boolean;
      /** It is cordoned and has no jobs: it may be turned off */
      drained: boolean;
      /** When the last of its jobs ends; if absent, each ends at its own expiry */
      drain_until?: string;
      /** It leaves the fleet after its last job */
      retiring?: boolean;
      /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
      user_namespaces: boolean;
      /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
      not_offered_reason?: string;
      /** Where its owner says that it is */
      region?: string;
      spec: {
        hostname: string;
        os: string;
        kernel_ver: string;
        architecture: string;
        cpu_model: string;
        cpu_cores: number;
        cpu_threads: number;
        total_memory_mb: number;
        gpus: {
          index: number;
          name: string;
          memory_mb: number;
          driver_ver: string;
          cuda_version: string;
        }[];
        total_gpus: number;
        total_disk_gb: number;
        available_disk_gb: number;
        public_ip?: string;
        bandwidth?: string;
      };
      capacity: {
        gpu_count: number;
        cpu_cores: number;
        memory_mb: number;
        /** For its first GPU type; `gpu_prices_per_hour` has all */
        gpu_price_per_hour: number;
        total_gpus: {
          [name: string]: number;
        };
        in_use_gpus: {
          [name: string]: number;
        };
        available_gpus: {
          [name: string]: number;
        };
        gpu_prices_per_hour: {
          [name: string]: number;
        };
        /** Who set it: the provider, or the site's operator for a provider that names no price */
        gpu_price_sources: {
          [name: string]: 'provider' | 'operator' | 'none';
        };
        total_cpu_cores: number;
        available_cpu_cores: number;
        total_memory_mb: number;
        available_memory_mb: number;
        total_disk_gb: number;
        available_disk_gb: number;
        cpu_price_per_hour: number;
        memory_price_per_gb_hr: number;
        storage_price_per_gb_hour: number;
        /** No job starts before this time */
        available_from?: string;
        /** No job is placed or extended to end after this time */
        available_until?: string;
      };
      last_heartbeat?: string;
      registered_at: string;
      joined_at?: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'payload_too_large'
      | 'provider_not_found'
      | 'provider_retired'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Give a provider jobs again */
  'POST /api/v1/providers/:id/uncordon': {
    body: undefined;
    query: undefined;
    reply: {
      provider_id: string;
      wallet_addr: string;
      node_name?: string;
      status: 'pending' | 'approved' | 'joined' | 'available' | 'busy' | 'offline' | 'rejected' | 'retired';
      /** Why it has this status, if that is not `available` */
      state_reason?: string;
      /** It takes no new jobs, by a command of its owner or of an operator */
      cordoned: boolean;
      /** It is cordoned and has no jobs: it may be turned off */
      drained: boolean;
      /** When the last of its jobs ends; if absent, each ends at its own expiry */
      drain_until?: string;
      /** It leaves the fleet after its last job */
      retiring?: boolean;
      /** Jobs run in their own user namespaces: root in a job is an unprivileged user on the machine */
      user_namespaces: boolean;
      /** Why the provider or some of its GPUs are not offered, or not as registered, although the machine is well */
      not_offered_reason?: string;
      /** Where its owner says that it is */
      region?: string;
      spec: {
        hostname: string;
        os: string;
        kernel_ver: string;
        architecture: string;
        cpu_model: string;
        cpu_cores: number;
        cpu_threads: number;
        total_memory_mb: number;
        gpus: {
          index: number;
          name: string;
          memory_mb: number;
          driver_ver: string;
          cuda_version: string;
        }[];
        total_gpus: number;
        total_disk_gb: number;
        available_disk_gb: number;
        public_ip?: string;
        bandwidth?: string;
      };
      capacity: {
        gpu_count: number;
        cpu_cores: number;
        memory_mb: number;
        /** For its first GPU type; `gpu_prices_per_hour` has all */
        gpu_price_per_hour: number;
        total_gpus: {
          [name: string]: number;
        };
        in_use_gpus: {
          [name: string]: number;
        };
        available_gpus: {
          [name: string]: number;
        };
        gpu_prices_per_hour: {
          [name: string]: number;
        };
        /** Who set it: the provider, or the site's operator for a provider that names no price */
        gpu_price_sources: {
          [name: string]: 'provider' | 'operator' | 'none';
        };
        total_cpu_cores: number;
        available_cpu_cores: number;
        total_memory_mb: number;
        available_memory_mb: number;
        total_disk_gb: number;
        available_disk_gb: number;
        cpu_price_per_hour: number;
        memory_price_per_gb_hr: number;
        storage_price_per_gb_hour: number;
        /** No job starts before this time */
        available_from?: string;
        /** No job is placed or extended to end after this time */
        available_until?: string;
      };
      last_heartbeat?: string;
      registered_at: string;
      joined_at?: string;
    };
    errors:
      | CommonError
      | AuthError
      | 'payload_too_large'
      | 'provider_not_found'
      | 'provider_retired'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
  /** Send a provider’s message, signed by its node key */
  'POST /api/v1/providers/messages': {
    body: {
      stream: 'provider:registration' | 'provider:heartbeat' | 'provider:capacity';
      /** The JSON text of the message, exactly as it was signed */
      data: string;
      timestamp: string;
      v?: string;
      key?: string;
      seq?: string;
      ts?: string;
      sig?: string;
      reg?: string;
      regsig?: string;
    };
    query: undefined;
    reply: {
      /** The id of the stream entry; a repeat of the same message returns the same id */
      id: string;
      stream: 'provider:registration' | 'provider:heartbeat' | 'provider:capacity';
      /** Unix seconds */
      server_time: number;
    };
    errors:
      | CommonError
      | 'auth_backend_unavailable'
      | 'auth_required'
      | 'delegation_invalid'
      | 'nonce_reused'
      | 'payload_too_large'
      | 'provider_not_yours'
      | 'signature_invalid'
      | 'timestamp_skew'
      | 'unsupported_media_type'
      | 'validation_failed';
  };
  /** What an order would cost, and who would take it; or why nobody would. With a credential, its prices bind */
  'POST /api/v1/quotes': {
    body: {
      provider_id?: null | string;
      exclude_providers?: string[];
      gpu_type?: null | string;
      /** The same as `gpu_type` */
      gpu?: null | string;
      /** Of each GPU, as GPUs are sold */
      min_vram_gb?: number | string;
      /** The newest CUDA that the driver supports is at least this */
      min_cuda?: null | number | string;
      /** `amd64` unless given */
      architecture?: null | string;
      gpu_count?: number | string;
      job_name?: null | string;
      image?: null | string;
      cpu_cores?: number | string;
      memory_gb?: number | string;
      shm_gb?: number | string;
      storage_gb?: number | string;
      duration_hours?: number | string;
      /** Who may log in; at least one key here or in `ssh_key_ids` */
      ssh_public_keys?: string[];
      /** The same, by ids of keys that you keep here: see `GET /api/v1/ssh-keys` */
      ssh_key_ids?: string[];
      ssh_password?: never;
      env?: {
        [name: string]: string;
      };
      /** The main program and its arguments, without a shell: for one, `["sh", "-c", "…"]` */
      command?: string[];
      /** Further arguments of `command`; with `entrypoint`, in place of the image's own */
      args?: string[];
      /** Where it starts; the image's folder unless given */
      workdir?: null | string;
      /** `image`: the main program is what the image itself would run */
      entrypoint?: '' | null | 'image';
      /** When the program is started again after it has ended; `never` unless given */
      restart?: '' | null | 'never' | 'on_failure' | 'always';
      /** The job ends with its program: `completed` if that ends with 0, else `failed` */
      end_with_command?: boolean;
      /** Ports that are reached from outside, besides SSH. A few are free: see `GET /api/v1/site` */
      ports?: {
        /** What the program listens on, on all addresses of its container; not 22 or 2222 */
        port: number;
        /** Of its endpoint, a DNS label; `port-8888` unless given */
        name?: null | string;
        /** How the program speaks; `http` and `https` get a URL */
        protocol?: 'http' | 'https' | 'tcp' | 'udp';
      }[];
      /** Fills in what the order leaves out: see `GET /api/v1/templates`. Variables and ports are added to its own */
      template?: null | string;
      max_price_per_hour?: number | string;
      /** How long its prices are to hold; 60 unless given */
      valid_seconds?: number | string;
    };
    query: undefined;
    reply: Quote;
    errors:
      | CommonError
      | 'auth_ambiguous'
      | 'auth_backend_unavailable'
      | 'auth_required'
      | 'nonce_reused'
      | 'payload_too_large'
      | 'session_expired'
      | 'session_revoked'
      | 'session_unknown'
      | 'signature_invalid'
      | 'timestamp_skew'
      | 'unsupported_media_type'
      | 'validation_failed';
  };
  /** Keep a public SSH key, to name it in orders */
  'POST /api/v1/ssh-keys': {
    body: {
      /** Among your keys; if absent, the comment of the key */
      name?: string;
      /** One line of an `id_….pub` file */
      public_key: string;
    };
    query: undefined;
    reply: SshKey;
    errors:
      CommonError | AuthError | 'payload_too_large' | 'quota_exceeded' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Block a wallet, a provider or an image, or change the reason and the time of a block */
  'PUT /api/v1/admin/blocks/:kind/:value': {
    body: {
      /** Why; whoever is kept out reads it */
      reason: string;
      /** When the block ends; null or absent: never */
      until?: string | null;
    };
    query: undefined;
    reply: Block;
    errors: CommonError | AuthError | 'payload_too_large' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Set what your wallet may spend in a month; to raise it needs the scope `billing:write` */
  'PUT /api/v1/billing/monthly-cap': {
    body: {
      /** Base units; 0: nothing more may be ordered */
      amount: string;
    };
    query: undefined;
    reply: MonthlyCap;
    errors: CommonError | AuthError | 'payload_too_large' | 'scope_denied' | 'unsupported_media_type';
  };
  /** Leave a delegation for a machine, which fetches it with its answers */
  'PUT /api/v1/providers/:id/delegation': {
    body: {
      /** The JSON text of the delegation, exactly as it was signed */
      reg: string;
      /** The wallet's signature of it */
      regsig: string;
    };
    query: undefined;
    reply: LeftDelegation;
    errors:
      | CommonError
      | 'delegation_invalid'
      | 'nonce_reused'
      | 'payload_too_large'
      | 'provider_not_yours'
      | 'quota_exceeded'
      | 'timestamp_skew'
      | 'unsupported_media_type'
      | 'validation_failed';
  };
  /** Set prices above those of the agent, for new jobs */
  'PUT /api/v1/providers/:id/prices': {
    body: {
      /** Of one GPU, by its type; 0 leaves the price to the operator of the site */
      gpu?: {
        [name: string]: number | string;
      };
      /** Of one core */
      cpu?: number | string;
      /** Of 1024 MB */
      memory_gb?: number | string;
      /** Of a GB of disk */
      storage_gb?: number | string;
    };
    query: undefined;
    reply: OwnProvider;
    errors:
      | CommonError
      | AuthError
      | 'payload_too_large'
      | 'provider_not_found'
      | 'provider_retired'
      | 'scope_denied'
      | 'unsupported_media_type';
  };
}
