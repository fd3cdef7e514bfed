/** The `data` of an entry of `provider:response:<id>`, as agents know it. `join_command` is run as root. */
export interface RegistrationReply {
  success: boolean;
  status: string;
  message?: string;
  join_token?: string;
  join_command?: string;
  master_ip?: string;
  master_port?: number;
  /** `sha256:<hex>` */
  ca_hash?: string;
  node_name?: string;
  labels?: Record<string, string>;
  /** Replaces the fields about joining if the registration asked for that: see `sealReply`. */
  sealed?: string;
  /** In a sealed reply: the public half of the join token. */
  token_id?: string;
  /** The registration's number was used before; this is the lowest acceptable one. */
  next_seq?: number;
}
