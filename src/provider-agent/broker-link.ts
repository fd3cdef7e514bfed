import type { LocalAccount } from 'viem';
import type { SigningClock } from './signing-clock.js';
import type { Delegation } from './delegation.js';
import type { Say } from './say.js';
import type { Trust } from './trust.js';
import type { ProviderMessageKind } from '../wire/provider-messages.js';
import type { RegistrationReply } from '../wire/join-answer.js';

/**
 * The connection to the broker. Anything a call throws other than `RejectedByBroker` and an abort is an outage, and the
 * call can be retried unchanged.
 */
export interface BrokerLink {
  /** Signs a message and sends it. */
  send(kind: ProviderMessageKind, message: object): Promise<void>;
  /** Starts reading answers. Those already there answer something else and are skipped. */
  listen(): Promise<void>;
  /** The broker's next answer as received, sealed or not; undefined when none comes in time. */
  nextReply(timeoutMs: number): Promise<RegistrationReply | undefined>;
  /**
   * Continues the message numbers from one that the broker named in an answer.
   *
   * @returns false when the broker would not accept that number now.
   */
  goOnFrom(nextSeq: number): boolean;
  /** Stops reading answers. */
  stopListening(): void;
  close(): void;
}

export interface LinkOptions {
  nodeKey: LocalAccount;
  delegation: Delegation;
  /** One per machine, not per link: the next link continues its numbers. */
  clock: SigningClock;
  /** Tells the broker's answers from forged ones. */
  trust: Trust;
  signal: AbortSignal;
  say: Say;
}

/** The broker rejects a message, and would reject it again if it were resent unchanged. */
export class RejectedByBroker extends Error {
  override readonly name = 'RejectedByBroker';

  constructor(
    /** The broker's code for the reason. */
    readonly reason: string,
    message: string,
    /** The broker's time, and the next number it would accept, when it named them. */
    readonly cure: { serverTimeS?: number; nextSeq?: number } = {},
  ) {
    super(message);
  }
}

/** The stream for a kind of message. Its name is part of what is signed, over HTTPS too. */
export function streamOf(kind: ProviderMessageKind): string {
  return `provider:${kind}`;
}

/** A smaller offset does a machine no harm. */
const worthSayingMs = 30_000;

/** Reports when the machine's own clock is wrong. Signatures do not use it. */
export function compareClocks({ clock, say }: Pick<LinkOptions, 'clock' | 'say'>): void {
  const offMs = clock.offMs();
  if (Math.abs(offMs) < worthSayingMs) return;
  say(`this machine's clock is off by ${Math.round(offMs / 1_000)} s: set it, for example with NTP`);
}
