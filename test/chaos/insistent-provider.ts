import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsAgent } from '../../engines/simulated-provider/agent-redis.js';
import { registrationMessage, type SealEntry } from '../../engines/simulated-provider/messages.js';
import { simulatedMachine, type Machine } from '../../engines/simulated-provider/machine.js';

/** The price in its first registration, and how much each further one adds; too dear for anybody to rent. */
const [firstPrice, priceStep] = [4, 0.001] as const;
const atOnce = 25;

const priceOf = (index: number) => Number((firstPrice + index * priceStep).toFixed(3));
/** The last registration is the one that counts. */
export const lastPriceOf = (times: number) => priceOf(times - 1);

/**
 * A provider in service registers over and over, each time with another price, as fast as Redis accepts it.
 *
 * @returns once Redis has accepted all registrations.
 */
export async function registerOverAndOver(
  redisUrl: string,
  { sign, ...machine }: Pick<Machine, 'providerId' | 'wallet' | 'gpus'> & { sign: SealEntry },
  times: number,
): Promise<void> {
  const redis = connectAsAgent(redisUrl);
  const publish = async (index: number) => {
    const text = JSON.stringify(registrationMessage(simulatedMachine({ ...machine, gpuPricePerHour: priceOf(index) })));
    const fields = await sign('provider:registration', text);
    await redis.xadd('provider:registration', '*', ...Object.entries(fields).flat());
  };
  try {
    // One after the other within a batch, so that the order is certain; with a pause, so that it lasts during the
    // kills.
    for (let index = 0; index < times; index++) {
      await publish(index);
      if (index % atOnce === atOnce - 1) await sleep(200);
    }
  } finally {
    redis.disconnect();
  }
}
