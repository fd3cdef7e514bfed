import type { Middleware } from 'koa';
import { BrokerError } from '../../domain/errors.js';
import type { ApiState } from '../route.js';

/** More than any response needs: a slower one is waiting for a system that does not answer. */
export const answerWithinMs = 15_000;

/**
 * Answers when a route does not answer in time. The route's work goes on, bounded by the limits of the systems it waits
 * for, and its late answer is discarded.
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
