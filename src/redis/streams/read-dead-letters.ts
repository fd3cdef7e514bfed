import type { Redis } from 'ioredis';
import { instantAt, printable, type Instant } from '../../domain/outside.js';
import { isProviderId } from '../../domain/provider.js';
import { deadLetterStream, streams } from '../../wire/streams.js';
import { fieldsByName, type StreamEntry } from '../../wire/stream-entry.js';
import { isForeign } from '../foreign.js';
import { orUnavailable } from '../unavailable.js';
import { letterText } from './dead-letters.js';
import { arrivalMs } from './entry.js';

export type StreamName = (typeof streams)[keyof typeof streams];

/** A dead letter as an operator reads it. Strangers can write to these streams, so all of it was made safe to show. */
export interface ReadDeadLetter {
  stream: StreamName;
  id: string;
  at: Instant;
  /** The entry's id in its stream. */
  origId: string;
  /** The claimed sender; absent if the message names none. */
  providerId?: string;
  reason: string;
  data: string;
}

/** A place in the list: after the letter with this id in this stream. */
export interface LetterPlace {
  id: string;
  stream: StreamName;
}

/** How many letters one answer looks through for those of one provider. */
const lookedThrough = 500;
/** Each may have a megabyte, where a stranger wrote it. */
const readAtOnce = 20;

const names = Object.values(streams);

/**
 * Dead letters, newest first; of letters with the same id the stream's name decides.
 *
 * @returns `next` unless nothing is left; with a provider, an answer may hold less than `limit`, or nothing.
 * @throws BrokerError `dependency_unavailable`
 */
export async function readDeadLetters(
  redis: Redis,
  {
    stream,
    providerId,
    limit,
    after,
  }: { stream?: StreamName | undefined; providerId?: string | undefined; limit: number; after?: LetterPlace },
): Promise<{ letters: ReadDeadLetter[]; next?: LetterPlace }> {
  const asked = stream === undefined ? names : [stream];
  return await orUnavailable('dependency_unavailable', 'Redis is not answering', async () => {
    const letters: ReadDeadLetter[] = [];
    let place = after;
    for (let seen = 0; seen < lookedThrough;) {
      const page = await newest(redis, asked, place);
      for (const letter of page) {
        place = { id: letter.id, stream: letter.stream };
        seen++;
        if (providerId !== undefined && letter.providerId !== providerId) continue;
        letters.push(letter);
        if (letters.length === limit) return { letters, next: place };
      }
      if (page.length < readAtOnce) return { letters };
    }
    return { letters, ...(place === undefined ? {} : { next: place }) };
  });
}

/** The next letters of these streams after a place. */
async function newest(redis: Redis, asked: readonly StreamName[], after?: LetterPlace): Promise<ReadDeadLetter[]> {
  const read = await Promise.all(
    asked.map(async (stream) => {
      // Of letters with the id of the place, those in its stream and in the streams before it were listed.
      const isListed = after !== undefined && names.indexOf(stream) <= names.indexOf(after.stream);
      const from = after === undefined ? '+' : `${isListed ? '(' : ''}${after.id}`;
      const entries = await redis
        .xrevrange(deadLetterStream(stream), from, '-', 'COUNT', readAtOnce)
        .catch(noneIfForeign);
      return entries.map((entry) => letterOf(stream, entry));
    }),
  );
  return read.flat().sort(inOrder).slice(0, readAtOnce);
}

/** The next writer of a letter removes what stands there. */
function noneIfForeign(error: unknown): StreamEntry[] {
  if (isForeign(error)) return [];
  throw error;
}

function inOrder(a: ReadDeadLetter, b: ReadDeadLetter): number {
  const [[aMs, aCount], [bMs, bCount]] = [idParts(a.id), idParts(b.id)];
  if (aMs !== bMs) return aMs < bMs ? 1 : -1;
  if (aCount !== bCount) return aCount < bCount ? 1 : -1;
  return names.indexOf(a.stream) - names.indexOf(b.stream);
}

function idParts(id: string): [ms: bigint, count: bigint] {
  const [ms = '0', count = '0'] = id.split('-');
  return [BigInt(ms), BigInt(count)];
}

/** True for an id as Redis writes it. */
export function isEntryId(text: string): boolean {
  return /^\d{1,20}-\d{1,20}$/.test(text) && idParts(text).every((part) => part < 2n ** 64n);
}

export function isStreamName(text: string): text is StreamName {
  return (names as string[]).includes(text);
}

function letterOf(stream: StreamName, [id, list]: StreamEntry): ReadDeadLetter {
  const fields = fieldsByName(list);
  const data = letterText(fields['data'] ?? '');
  const providerId = senderOf(fields['provider_id'], data);
  return {
    ...{ stream, id, at: instantAt(Math.min(arrivalMs(id), lastMs)) },
    origId: printable(fields['orig_id'], 64) ?? '',
    ...(providerId === undefined ? {} : { providerId }),
    reason: printable(fields['reason']) ?? '',
    data,
  };
}

/** The year 9999: a stranger chooses the id of what he writes. */
const lastMs = Date.UTC(9999, 11, 31);

/** Letters of versions that did not write the sender beside the data still have it there. */
function senderOf(written: string | undefined, data: string): string | undefined {
  const found = written ?? /"provider_id"\s*:\s*"([^"\\]{1,64})"/.exec(data)?.[1];
  return found !== undefined && isProviderId(found) ? found : undefined;
}
