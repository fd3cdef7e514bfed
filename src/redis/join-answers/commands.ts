import type { ChainableCommander, Redis } from 'ioredis';
import { reportForeign } from '../foreign.js';
import { clearScript, checkReplyScript, publishScript, repeatScript } from './scripts.js';

export type ReplyState = 'acked' | 'read' | 'again' | 'waiting' | 'lost' | 'superseded';

export interface ReplyCheck {
  stream: string;
  origin: string;
  /** Whether the reply may be published again for a group that missed it. */
  mayRepeat: boolean;
}

interface Scripts {
  wlPublishReply(...args: (string | number)[]): Promise<[id: string, foreign: number]>;
  wlCheckReply(...args: (string | number)[]): Promise<[ReplyState, id: string, foreign: number]>;
  wlRepeatReply(...args: (string | number)[]): Promise<string | null>;
  wlClearReply(...args: (string | number)[]): Promise<number>;
}

/** The scripts of `scripts.ts` as functions of a connection. */
export function replyCommands(connection: Redis) {
  if (!('wlPublishReply' in connection)) {
    connection.defineCommand('wlPublishReply', { numberOfKeys: 1, lua: publishScript });
    connection.defineCommand('wlCheckReply', { numberOfKeys: 1, lua: checkReplyScript });
    connection.defineCommand('wlRepeatReply', { numberOfKeys: 1, lua: repeatScript });
    connection.defineCommand('wlClearReply', { numberOfKeys: 1, lua: clearScript });
  }
  const redis = connection as Redis & Scripts;

  return {
    async publish(
      stream: string,
      reply: { data: string; bsig?: string; ttlS: number; origin?: string; keepWaiting?: boolean },
    ): Promise<string | undefined> {
      const { data, bsig = '', ttlS, origin = '', keepWaiting = false } = reply;
      const [id, foreign] = await redis.wlPublishReply(
        ...[stream, data, bsig, now(), origin, ttlS, keepWaiting ? 'keep' : ''],
      );
      if (foreign > 0) reportForeign(connection, 'answers', stream);
      return id === '' ? undefined : id;
    },
    /** Sends all checks in one round trip; a failed check is undefined. */
    async check(checks: readonly ReplyCheck[]): Promise<([ReplyState, string] | undefined)[]> {
      const pipeline = connection.pipeline() as ChainableCommander & Pick<Scripts, 'wlCheckReply'>;
      for (const { stream, origin, mayRepeat } of checks) {
        void pipeline.wlCheckReply(stream, origin, now(), mayRepeat ? 1 : 0);
      }
      const results = (await pipeline.exec()) ?? [];
      return results.map(([error, result], at) => {
        if (error !== null) return undefined;
        const [state, id, foreign] = result as Awaited<ReturnType<Scripts['wlCheckReply']>>;
        if (foreign > 0) reportForeign(connection, 'answers', checks[at]!.stream);
        return [state, id];
      });
    },
    async repeat(stream: string, origin: string): Promise<string | undefined> {
      return (await redis.wlRepeatReply(stream, origin, now())) ?? undefined;
    },
    async clear(stream: string, origin: string): Promise<void> {
      await redis.wlClearReply(stream, origin);
    },
  };
}

/** Formats a time as agents do: RFC 3339 in whole seconds. */
function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
