import { useEffect, useRef, useState } from 'preact/hooks';
import { isCode, WorldLandError, type Order } from '../../src/client/index.js';
import { segment } from '../app/match.js';
import { navigate } from '../app/router.js';
import { act, allowMore, broker, readWhoami, refresh, requireLogin, toast } from '../live/index.js';
import { createOrderKeys, newOrderKey, onlyOnce } from './placing.js';
import { keyName, type PublicKey } from '../parts/ssh-keys.js';

export interface Ordering {
  isBusy: boolean;
  error: WorldLandError | undefined;
  /**
   * Orders, asks for the wallet or a higher limit where that is needed, and goes to the job.
   *
   * @param prepare makes the order; undefined if something is missing in it.
   */
  rent(prepare: () => Promise<Order | undefined>, keep: readonly PublicKey[]): Promise<void>;
  forgetError(): void;
}

/** Sends orders: one job for each, however often somebody clicks, and whatever is asked for in between. */
export function useOrder(): Ordering {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<WorldLandError>();
  const [placing] = useState(() => {
    const keys = createOrderKeys(newOrderKey);
    const asked: { prepare(): Promise<Order | undefined>; keep: readonly PublicKey[] } = {
      prepare: async () => undefined,
      keep: [],
    };
    const place = onlyOnce(async () => {
      const { prepare, keep } = asked;
      const order = await prepare();
      if (order === undefined) return undefined;
      const jobId = await placed(order, keys.of(order));
      if (jobId === undefined) return undefined;
      keys.forget();
      await keepKeys(keep);
      return jobId;
    });
    return { asked, place };
  });
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  const arrived = useRef<string | undefined>(undefined);
  const arrive = (jobId: string) => {
    // Two clicks wait for the same job.
    if (arrived.current === jobId) return;
    arrived.current = jobId;
    refresh('jobs');
    void readWhoami();
    // Whoever has gone elsewhere meanwhile is not taken away from there.
    if (isHere.current) navigate(`/jobs/${segment(jobId)}`);
    else toast('The job is ordered. It is among your jobs.', 'good');
  };
  return {
    isBusy,
    error,
    forgetError: () => setError(undefined),
    async rent(prepare, keep) {
      Object.assign(placing.asked, { prepare, keep });
      setBusy(true);
      setError(undefined);
      try {
        const jobId = await placing.place();
        if (jobId !== undefined) arrive(jobId);
      } catch (thrown) {
        setError(asError(thrown));
      } finally {
        setBusy(false);
      }
    },
  };
}

/**
 * The id of the job; undefined if the person closed a dialog that it needed.
 *
 * @throws WorldLandError
 */
async function placed(order: Order, idempotencyKey: string): Promise<string | undefined> {
  if (!(await requireLogin('To rent, the broker needs to know your wallet.'))) return undefined;
  for (;;) {
    try {
      const { job } = await act(() => broker().jobs.create(order, { wait: 0, idempotencyKey }));
      return job.job_id;
    } catch (error) {
      if (!isCode(error, 'spend_limit_exceeded') || error.data.required === undefined) throw error;
      if (!(await allowMore(error.data.required))) throw error;
    }
  }
}

/** Keeps keys for the next order. That this fails is no reason to stand in the way of a job that is there. */
async function keepKeys(keys: readonly PublicKey[]): Promise<void> {
  for (const key of keys) {
    try {
      await broker().sshKeys.add({ name: keyName(key), publicKey: key.line });
    } catch (error) {
      const why = error instanceof WorldLandError ? error.detail : 'something went wrong';
      toast(`The key could not be kept for next time: ${why}`, 'bad');
      return;
    }
  }
  if (keys.length > 0) refresh('ssh-keys');
}

function asError(thrown: unknown): WorldLandError {
  if (thrown instanceof WorldLandError) return thrown;
  console.error(thrown);
  return new WorldLandError(
    'internal',
    'Something in this page does not work. Nothing is known to have been ordered.',
    {
      cause: thrown,
    },
  );
}
