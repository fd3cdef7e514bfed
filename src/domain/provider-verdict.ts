import { BrokerError } from './errors.js';
import type { ProviderRejection } from './provider-rejections.js';

/** An entry of a provider stream whose `data` has passed validation. */
export interface ProviderEntry {
  /** The base name of the stream: `provider:registration`, `provider:heartbeat` or `provider:capacity`. */
  stream: string;
  /** The id of the entry. */
  id: string;
  fields: Readonly<Record<string, string>>;
  /** The claimed sender of the message in `data`. */
  providerId: string;
}

/** The chain cannot be asked whether a contract owns a provider. Only messages of such owners wait for it. */
export class ChainAway extends BrokerError {
  constructor(cause: unknown) {
    super('dependency_unavailable', 'the chain cannot be asked about the wallet of this provider', {}, { cause });
  }
}

/** What is known about the sender of an entry. */
export type ProviderVerdict =
  | {
      accepted: true;
      /** True when the entry has a valid signature. */
      signed: boolean;
      /** The wallet that is paid, in lower case. For an unsigned entry, it is only a claim. */
      wallet?: string;
    }
  | {
      accepted: false;
      reason: ProviderRejection;
      /** The text for the provider's response stream, if it should get one. */
      tell?: string;
      /** The lowest acceptable number, if only the number is wrong and the key is the provider's. */
      nextSeq?: number;
      /**
       * True if a newer message of this sender is the only reason: two relays read them, and the newer one was verified
       * first. The message has no effect any more, but nobody did anything wrong.
       */
      isOvertaken?: boolean;
    };

/** Decides whether an entry is really from its claimed sender. */
export interface ProviderVerifier {
  /** True when every well-formed entry is accepted (`PROVIDER_AUTH_MODE=off`), so heartbeats need no verification. */
  readonly acceptsAll: boolean;
  /**
   * @throws ChainAway; BrokerError `auth_backend_unavailable` or `dependency_unavailable` when it cannot decide now: the entry
   *   stays in the stream and is read again.
   */
  verify(entry: ProviderEntry): Promise<ProviderVerdict>;
  /**
   * Whether a rejected message may be answered on the response stream of the provider that it names. Once a provider
   * has signed, only messages signed by its key or its owner are answered there; otherwise others could keep its agent
   * busy.
   *
   * @throws as `verify`.
   */
  mayBeTold(message: Omit<ProviderEntry, 'id'>): Promise<boolean>;
}
