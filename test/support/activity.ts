import { MockActivityEnvironment } from '@temporalio/testing';

/** Runs an activity as a worker does at the first attempt, without a workflow. */
export async function carryOut<Args extends unknown[], Result>(
  activity: (...args: Args) => Promise<Result>,
  ...args: Args
): Promise<Result> {
  return await new MockActivityEnvironment().run<Args, Result, (...args: Args) => Promise<Result>>(activity, ...args);
}
