import type { Redis } from 'ioredis';
import { deadLetters as deadLetterCount } from '../../observability/metrics.js';
import { escapeUnprintable, sentence } from '../../domain/outside.js';
import { dataOf } from './entry.js';
import { isForeign, reportForeign } from '../foreign.js';
import { deadLetterStream } from '../../wire/streams.js';
import type { StreamEntry } from '../../wire/stream-entry.js';

/** An entry that can never take effect. */
export interface DeadLetter {
  entry: StreamEntry;
  /** A short stable word, such as `invalid` or `signature_required`. */
  reason: string;
  /** The exact problem, for the operator; never a value from the message. */
  detail?: string;
  /** The claimed sender, if readable. */
  providerId?: string;
  /** How often the entry was delivered; 1 by default. */
  deliveries?: number;
}

const maxLetters = 10_000;
const maxLetterBytes = 8_192;
const windowMs = 60_000;
/** Dead letters per minute. All limits together ensure that the newest 10,000 cover 50 minutes, even under attack. */
const limits = { provider: 10, unknown: 30, all: 200 };

/**
 * Writes entries to the dead-letter stream. Beyond a limit, entries are only acknowledged and counted, so that one
 * sender cannot displace the letters of others.
 */
export class DeadLetters {
  #windowEndsAt = 0;
  #all = 0;
  #of = new Map<string, number>();

  constructor(private readonly redis: Redis) {}

  /**
   * Writes the dead letters and acknowledges their entries in one transaction.
   *
   * @param stream the stream's own name; `key` is its current name.
   */
  async bury(stream: string, key: string, group: string, letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    const now = Date.now();
    const written = letters.map((letter) => this.#mayWrite(letter.providerId, now));
    const transaction = this.redis.multi();
    letters.forEach((letter, index) => {
      if (!written[index]) return;
      const { entry, reason, detail, deliveries = 1 } = letter;
      const text = sentence(detail === undefined ? reason : `${reason}: ${detail}`);
      transaction.xadd(
        ...([deadLetterStream(stream), 'MAXLEN', '~', maxLetters, '*'] as const),
        ...['orig_id', entry[0], 'reason', text, 'deliveries', deliveries, 'data', letterText(dataOf(entry[1]) ?? '')],
        ...(letter.providerId === undefined ? [] : ['provider_id', letter.providerId]),
      );
    });
    transaction.xack(key, group, ...letters.map(({ entry }) => entry[0]));
    const results = await transaction.exec();
    // An unwritable dead-letter stream must not block acknowledgements; the metric has the outcome.
    const refused = results?.slice(0, -1).flatMap(([error]) => error ?? []) ?? [];
    const added = results !== null && refused.length === 0;
    if (refused.some(isForeign)) {
      const letterStream = deadLetterStream(stream);
      await this.redis.unlink(letterStream);
      reportForeign(this.redis, 'deadLetters', letterStream);
    }
    letters.forEach(({ reason }, index) => {
      deadLetterCount.inc({ stream, reason, written: written[index] && added ? 'yes' : 'no' });
    });
  }

  #mayWrite(providerId: string | undefined, now: number): boolean {
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + windowMs;
      this.#all = 0;
      this.#of = new Map();
    }
    const sender = providerId ?? '';
    const before = this.#of.get(sender) ?? 0;
    if (this.#all >= limits.all || before >= (providerId === undefined ? limits.unknown : limits.provider))
      return false;
    this.#all += 1;
    this.#of.set(sender, before + 1);
    return true;
  }
}

/** Join tokens, signatures and keys by their form, and the values of fields with secret names. */
const secretForms = /\b[a-z0-9]{6}\.[a-z0-9]{16}\b|\b(?:0x)?[0-9a-fA-F]{64,}\b|\bwlb_[\w-]{20,}/g;
const secretFields =
  /("(?:[\w-]*(?:token|secret|password|signature|sig|private_?key|join_command|authorization)[\w-]*)"\s*:\s*)"(?:[^"\\]|\\.)*"?/gi;

/**
 * The `data` of a dead letter: the beginning of the text without secrets, and safe for a terminal. Unprintable
 * characters are escaped where JSON allows.
 */
export function letterText(data: string): string {
  // Include enough text beyond the end to recognize a secret that the end would cut.
  const beginning = data.slice(0, maxLetterBytes + 1_024);
  const clean = beginning.replace(secretFields, '$1"[removed]"').replace(secretForms, '[removed]');
  const shown = escapeUnprintable(clean);
  const bytes = Buffer.from(shown);
  if (bytes.length <= maxLetterBytes) return shown;
  // Drop a character that the cut has split.
  return bytes
    .subarray(0, maxLetterBytes)
    .toString()
    .replace(/\uFFFD+$/, '');
}
