import type { Redis } from 'ioredis';
import { deadLetters as deadLetterCount } from '../../observability/metrics.js';
import { escapeUnprintable, sentence } from '../../domain/outside.js';
import { dataOf, type StreamEntry } from './entry.js';
import { isForeign, reportForeign } from '../foreign.js';
import { deadLetterStream } from '../../wire/streams.js';

/** An entry that is put aside, because it can never have an effect. */
export interface DeadLetter {
  entry: StreamEntry;
  /** A short stable word, such as `invalid` or `signature_required`. */
  reason: string;
  /** What exactly is wrong, for the operator; never a value out of the message. */
  detail?: string;
  /** Who it claims to be from, where that can be read. */
  providerId?: string;
  /** How often the entry was delivered; 1 unless told. */
  deliveries?: number;
}

const maxLetters = 10_000;
const maxLetterBytes = 8_192;
const windowMs = 60_000;
/** Letters a minute. All together the newest 10,000 then cover 50 minutes, however hard somebody tries. */
const limits = { provider: 10, unknown: 30, all: 200 };

/**
 * Puts entries into the dead-letter stream. What is over a limit is acknowledged without a letter, and counted: one
 * sender cannot push out the letters of others.
 */
export class DeadLetters {
  #windowEndsAt = 0;
  #all = 0;
  #of = new Map<string, number>();

  constructor(private readonly redis: Redis) {}

  /**
   * Writes the letters and acknowledges their entries in one transaction.
   *
   * @param stream the stream's own name; `key` is where it stands now.
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
      );
    });
    transaction.xack(key, group, ...letters.map(({ entry }) => entry[0]));
    const results = await transaction.exec();
    // A dead-letter stream that cannot be written to keeps nothing from being acknowledged; the outcome is in the metric.
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

/** Join tokens, signatures and keys by their form, and whatever stands in a field that is named like a secret. */
const secretForms = /\b[a-z0-9]{6}\.[a-z0-9]{16}\b|\b(?:0x)?[0-9a-fA-F]{64,}\b|\bwlb_[\w-]{20,}/g;
const secretFields =
  /("(?:[\w-]*(?:token|secret|password|signature|sig|private_?key|join_command|authorization)[\w-]*)"\s*:\s*)"(?:[^"\\]|\\.)*"?/gi;

/**
 * The `data` of a letter: the beginning of the text, without anything that may be secret, and fit to be read in a
 * terminal; what JSON can say of characters that are not, it still says.
 */
export function letterText(data: string): string {
  // Enough beyond the end that a secret is recognised which the end would cut in two.
  const beginning = data.slice(0, maxLetterBytes + 1_024);
  const clean = beginning.replace(secretFields, '$1"[removed]"').replace(secretForms, '[removed]');
  const shown = escapeUnprintable(clean);
  const bytes = Buffer.from(shown);
  if (bytes.length <= maxLetterBytes) return shown;
  // A character that the end cuts is left out.
  return bytes
    .subarray(0, maxLetterBytes)
    .toString()
    .replace(/\uFFFD+$/, '');
}
