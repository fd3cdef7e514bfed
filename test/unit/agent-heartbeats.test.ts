import { afterEach, expect, jest, test } from '@jest/globals';
import { RejectedByBroker, type BrokerLink } from '../../src/provider-agent/broker-link.js';
import { startHeartbeats } from '../../src/provider-agent/heartbeats.js';
import { until } from '../support/until.js';

const ending = new AbortController();
afterEach(() => {
  jest.restoreAllMocks();
});

/** A broker that answers as it is told; everything else of a link is not asked for. */
function beating(answer: () => void) {
  let beats = 0;
  const send = () => {
    beats++;
    return Promise.resolve().then(answer);
  };
  const heartbeats = startHeartbeats({
    ...{ link: { send } as unknown as BrokerLink, providerId: 'gpu-1', nodeName: () => 'gpu-1', intervalMs: 300 },
    offer: { gpuPricePerHour: 0, gpuPricesPerHour: {}, cpuCores: 1, memoryMb: 1, diskGb: 1 } as never,
    ...{ gpus: [], gpusChanged: () => undefined, signal: ending.signal, say: () => undefined },
  });
  return { heartbeats, beats: () => beats };
}

test.each([-9, 9])('setting the clock by %i hours during a heartbeat does not delay the next one', async (hours) => {
  const wall = Date.now;
  const { heartbeats, beats } = beating(() => {
    if (beats() === 1) jest.spyOn(Date, 'now').mockImplementation(() => wall() + hours * 3_600_000);
  });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  jest.restoreAllMocks();
  await heartbeats.stop();
  expect(beats()).toBeGreaterThanOrEqual(3);
  expect(beats()).toBeLessThanOrEqual(9);
});

test.each(['sequence_replayed', 'key_unknown', 'sequence_ahead'])(
  'a machine whose heartbeats are refused as %s registers again, until one is taken',
  async (reason) => {
    let refuses = true;
    const { heartbeats, beats } = beating(() => {
      if (refuses) throw new RejectedByBroker(reason, reason);
    });
    await until(() => heartbeats.isRejected());
    refuses = false;
    const before = beats();
    await until(() => beats() > before && !heartbeats.isRejected());
    await heartbeats.stop();
  },
);
