import type { LocalAccount } from 'viem';
import type { SigningClock } from './signing-clock.js';
import type { ProviderMessageKind } from '../domain/provider-message.js';
import type { RegistrationReply } from '../redis/join-answers/join-answers.js';
import type { Delegation } from './delegation.js';
import type { Say } from './say.js';
import type { Trust } from './trust.js';

/**
 * The way to the broker. Whatever a call throws other than `MessageRefused` and an abort is an outage: the same is
 * worth another try.
 */
export interface BrokerLink {
  /** Signs a message and hands it over. */
  send(kind: ProviderMessageKind, message: object): Promise<void>;
  /** From here on answers count; those that are there already are about something else. */
  listen(): Promise<void>;
  /** The next answer of the broker as it came, sealed or not; undefined when none comes in time. */
  nextReply(timeoutMs: number): Promise<RegistrationReply | undefined>;
  /**
   * Numbers go on from one that the broker named in an answer.
   *
   * @returns false when it would not take that itself now.
   */
  goOnFrom(nextSeq: number): boolean;
  /** Nobody waits for an answer any more. */
  stopListening(): void;
  close(): void;
}

export interface LinkOptions {
  nodeKey: LocalAccount;
  delegation: Delegation;
  /** Of the machine, whatever the link: its numbers go on in the next one. */
  clock: SigningClock;
  /** Which answers are the broker's. */
  trust: Trust;
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
    /** What the broker said of its clock, and of the number that it would take. */
    readonly cure: { serverTimeS?: number; nextSeq?: number } = {},
  ) {
    super(message);
  }
}

/** The stream of a kind of message, which is signed with it whatever way it goes. */
export function streamOf(kind: ProviderMessageKind): string {
  return `provider:${kind}`;
}

/** A machine whose clock is off by less has no trouble from it. */
const worthSayingMs = 30_000;

/** Says that the machine's own clock is wrong, where it is; nothing is signed by it. */
export function compareClocks({ clock, say }: Pick<LinkOptions, 'clock' | 'say'>): void {
  const offMs = clock.offMs();
  if (Math.abs(offMs) < worthSayingMs) return;
  say(`the clock of this machine is off by ${Math.round(offMs / 1_000)} s: it should be set (NTP)`);
}
