import type { ProviderRefusal } from './provider-refusals.js';

/** An entry of a provider stream as it was read, after its `data` passed validation. */
export interface ProviderEntry {
  /** The base name of the stream: `provider:registration`, `provider:heartbeat` or `provider:capacity`. */
  stream: string;
  /** The id of the entry. */
  id: string;
  fields: Readonly<Record<string, string>>;
  /** Who the message in `data` claims to be from. */
  providerId: string;
}

/** What is known about the sender of an entry. */
export type ProviderVerdict =
  | {
      accepted: true;
      /** True when the entry carries a good signature. */
      signed: boolean;
      /** Lower case: the wallet that earnings go to. Of an unsigned entry it is what the message claims. */
      wallet?: string;
    }
  | {
      accepted: false;
      reason: ProviderRefusal;
      /** What the provider is told on its response stream, where it is to be told. */
      tell?: string;
      /** Where only the number is wrong, and the key is the provider's: the lowest one that would be taken. */
      nextSeq?: number;
    };

/** Decides whether an entry is from who it says it is from. */
export interface ProviderVerifier {
  /**
   * True when every well-formed entry is accepted as it is (`PROVIDER_AUTH_MODE=off`): heartbeats then need no question.
   */
  readonly acceptsAll: boolean;
  /**
   * @throws BrokerError `auth_backend_unavailable` or `dependency_unavailable` when it cannot be told now: the entry
   *   stays where it is and is read again.
   */
  verify(entry: ProviderEntry): Promise<ProviderVerdict>;
  /**
   * Whether an answer to a message that is not accepted may stand among the answers of the provider that it names. Those
   * of a provider that has signed are for what its key or its owner signed: others could keep its agent busy with them.
   *
   * @throws as `verify`.
   */
  mayBeTold(message: Omit<ProviderEntry, 'id'>): Promise<boolean>;
}
