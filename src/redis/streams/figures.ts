import type { Redis } from 'ioredis';
import { brokerGroup, deadLetterStream, streams } from '../../wire/streams.js';
import { isForeign } from '../foreign.js';
import { orUnavailable } from '../unavailable.js';
import { arrivalMs } from './entry.js';
import { groupFigures } from './group.js';

/** How far the reading of a stream is behind, and how much of it could have no effect. */
export interface StreamFigures {
  name: string;
  /** Entries that nobody has read; undefined if Redis cannot tell. */
  lag?: number;
  /** Of the oldest entry that was read and is not dealt with; 0 without one. */
  oldestPendingS: number;
  deadLetters: number;
}

/** @throws BrokerError `dependency_unavailable` */
export async function readStreamFigures(redis: Redis, now = Date.now()): Promise<StreamFigures[]> {
  return await orUnavailable('dependency_unavailable', 'Redis is not answering', () =>
    Promise.all(
      Object.values(streams).map(async (name) => {
        const [group, deadLetters] = await Promise.all([
          unlessMissing(groupFigures(redis, { key: name, group: brokerGroup })),
          unlessMissing(lengthOf(redis, deadLetterStream(name))),
        ]);
        const { lag, oldestPending } = group ?? { lag: 0 };
        return {
          name,
          ...(lag === undefined ? {} : { lag }),
          oldestPendingS:
            oldestPending === undefined ? 0 : Math.max(0, Math.round((now - arrivalMs(oldestPending)) / 1000)),
          deadLetters: deadLetters ?? 0,
        };
      }),
    ),
  );
}

async function lengthOf(redis: Redis, key: string): Promise<number> {
  const figures = (await redis.xinfo('STREAM', key)) as unknown[];
  return Number(figures[figures.indexOf('length') + 1]);
}

/** Nobody has written to the stream yet, or a stranger put something else there, which the next writer removes. */
async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const isMissing = error instanceof Error && /no such key|^NOGROUP/.test(error.message);
    if (isMissing || isForeign(error)) return undefined;
    throw error;
  }
}
