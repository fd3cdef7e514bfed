import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../observability/logger.js';

/** A join token that the cluster accepts and that nobody has yet. Its secret half is known here only. */
export interface TokenAhead {
  tokenId: string;
  secret: string;
  madeAt: Date;
  expiresAt: Date;
}

/**
 * Join tokens that are made before they are needed, many at a time: the cluster signs for hundreds at once in the second
 * that it takes for one. Whatever a crash leaves expires in the cluster, and nobody can use it.
 */
export interface TokensAhead {
  /** Says how many will be needed soon; as many are made. 0 lets those that are left go after a while. */
  expect(count: number): void;
  /** @returns undefined if there is none, and none is about to be: then one is made as for a single machine. */
  take(): Promise<TokenAhead | undefined>;
  /** Takes one back that was not needed. */
  putBack(token: TokenAhead): void;
  /** Removes those that are left from the cluster. */
  stop(): Promise<void>;
}

export interface TokenMaking {
  /** Makes tokens, and hands each over once the cluster has signed for it. May make fewer. */
  make(count: number, onMade: (token: TokenAhead) => void): Promise<void>;
  /** Removes tokens that nobody got. */
  discard(tokens: readonly TokenAhead[]): Promise<void>;
  logger: Logger;
}

/** The first batch is small, so that the first machines do not wait for the whole of a large one. */
const [firstBatch, largestBatch] = [16, 128];
const batchesAtOnce = 2;
/** As long as a batch takes on a busy cluster. */
const waitMs = 3_000;
const lingerMs = 20_000;
/** After a failure, tokens are made one by one for a while. */
const pauseMs = 2_000;
/** Nobody gets one that has less than this share of its life left. */
const freshShare = 2 / 3;

export function createTokensAhead({ make, discard, logger }: TokenMaking): TokensAhead {
  const stock: TokenAhead[] = [];
  const waiting = new Set<(token: TokenAhead | undefined) => void>();
  const batches = new Set<Promise<void>>();
  let wanted = 0;
  let making = 0;
  let pausedUntilMs = 0;
  let perBatch = firstBatch;
  let isStopped = false;
  let linger: NodeJS.Timeout | undefined;

  function add(token: TokenAhead): void {
    const [first] = waiting;
    if (first === undefined) return void stock.push(token);
    wanted -= 1;
    first(token);
  }

  function makeMore(): void {
    while (!isStopped && batches.size < batchesAtOnce && Date.now() >= pausedUntilMs) {
      const count = Math.min(perBatch, wanted - stock.length - making);
      if (count <= 0) return;
      making += count;
      perBatch = Math.min(largestBatch, perBatch * 4);
      const batch = makeBatch(count).finally(() => {
        making -= count;
        batches.delete(batch);
        // Whoever waits for nothing any more makes one himself.
        if (making === 0) for (const give of [...waiting]) give(undefined);
        makeMore();
      });
      batches.add(batch);
    }
  }

  async function makeBatch(count: number): Promise<void> {
    try {
      await make(count, add);
    } catch (error) {
      pausedUntilMs = Date.now() + pauseMs;
      logger.warn({ err: error, tokens: count }, 'join tokens cannot be made ahead for now');
    }
  }

  async function letGo(): Promise<void> {
    wanted = 0;
    perBatch = firstBatch;
    // What is made at this moment comes too late.
    await Promise.all(batches);
    const left = stock.splice(0);
    if (left.length > 0)
      await discard(left).catch((error: unknown) => {
        logger.warn({ err: error, tokens: left.length }, 'join tokens that nobody got stay until they expire');
      });
  }

  return {
    expect(count) {
      wanted = count;
      clearTimeout(linger);
      makeMore();
      linger = setTimeout(() => void letGo(), lingerMs).unref();
    },
    async take() {
      for (let next = stock.shift(); next !== undefined; next = stock.shift()) {
        if (isFresh(next)) {
          wanted -= 1;
          return next;
        }
        void discard([next]).catch(() => undefined);
      }
      if (making === 0) return undefined;
      return await new Promise<TokenAhead | undefined>((resolve) => {
        const give = (token: TokenAhead | undefined) => {
          waiting.delete(give);
          resolve(token);
        };
        waiting.add(give);
        void sleep(waitMs, undefined, { ref: false }).then(() => give(undefined));
      });
    },
    putBack: add,
    async stop() {
      isStopped = true;
      clearTimeout(linger);
      await letGo();
    },
  };
}

function isFresh({ madeAt, expiresAt }: TokenAhead): boolean {
  return expiresAt.getTime() - Date.now() > (expiresAt.getTime() - madeAt.getTime()) * freshShare;
}
