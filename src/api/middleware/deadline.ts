import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import type { ApiState } from '../route.js';

/** More than any answer of ours needs: what takes longer waits for a system that does not answer. */
export const answerWithinMs = 15_000;

/**
 * Answers for a route that does not answer in time. What it has begun goes on by itself, bounded by the limits of the
 * systems it waits for, and what it would answer then is thrown away.
 */
export const answerInTime: Middleware<ApiState> = async (ctx, next) => {
  const timeoutMs = ctx.state.rule!.answerWithinMs ?? answerWithinMs;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new BrokerError('dependency_unavailable', `no answer within ${timeoutMs / 1000} s: try again later`));
    }, timeoutMs).unref();
  });
  try {
    await Promise.race([next(), late]);
  } finally {
    clearTimeout(timer);
  }
};
