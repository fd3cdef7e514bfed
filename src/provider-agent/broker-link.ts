import type { LocalAccount } from 'viem';
import type { ProviderMessageKind } from '../domain/provider-message.js';
import type { RegistrationReply } from '../redis/replies/replies.js';
import type { Delegation } from './delegation.js';
import type { Say } from './say.js';

/**
 * The way to the broker. Whatever a call throws other than `MessageRefused` and an abort is an outage: the same is
 * worth another try.
 */
export interface BrokerLink {
  /** Signs a message and hands it over. */
  send(kind: ProviderMessageKind, message: object): Promise<void>;
  /** From here on answers count; those that are there already are about something else. */
  listen(): Promise<void>;
  /** The next answer as it came, sealed or not; undefined when none comes in time. */
  nextReply(timeoutMs: number): Promise<RegistrationReply | undefined>;
  /** Nobody waits for an answer any more. */
  stopListening(): void;
  close(): void;
}

export interface LinkOptions {
  nodeKey: LocalAccount;
  delegation: Delegation;
  signal: AbortSignal;
  say: Say;
}

/** The broker does not take a message as it is, and sending it again would not change that. */
export class MessageRefused extends Error {
  override readonly name = 'MessageRefused';

  constructor(
    /** Why, in a word of the broker's. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** The stream of a kind of message, which is signed with it whatever way it goes. */
export function streamOf(kind: ProviderMessageKind): string {
  return `provider:${kind}`;
}
