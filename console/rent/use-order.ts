import { useEffect, useRef, useState } from 'preact/hooks';
import { WorldLandError, type Order, type Quote } from '../../src/client/index.js';
import { segment } from '../app/match.js';
import { navigate } from '../app/router.js';
import { act, allowMore, broker, login, readWhoami, refresh, requireLogin, toast } from '../live/index.js';
import { newIdempotencyKey } from '../live/once.js';
import { keyName, type PublicKey } from '../parts/ssh-keys.js';
import type { Meant } from './complete-order.js';
import { createPlacing, type Desk, type Wish } from './placing.js';
import { PriceRefusal } from './price-change.js';

/** What an order would cost now, where it would cost more than the person had agreed to. */
export interface PriceChange {
  was: Quote;
  now: Quote;
}

export interface Ordering {
  isBusy: boolean;
  error: WorldLandError | undefined;
  /** Nothing was sent, because of this. */
  change: PriceChange | undefined;
  /** Whether it is not known if this was ordered: the same once more makes no second job. */
  isUnanswered(meant: Meant | undefined): boolean;
  /**
   * Orders, asks for the wallet or a higher limit where that is needed, and goes to the job.
   *
   * @param keep keys to keep for the next order.
   * @returns whether there is a job of it.
   */
  rent(wish: Wish, keep: readonly PublicKey[]): Promise<boolean>;
  /** What was wrong with the order is no longer so. */
  forget(): void;
}

type State = Pick<Ordering, 'isBusy' | 'error' | 'change'>;
const idle: State = { isBusy: false, error: undefined, change: undefined };

/** Sends orders: one job for each, however often somebody clicks, and whatever is asked for in between. */
export function useOrder(): Ordering {
  const [state, setState] = useState<State>(idle);
  const [placing] = useState(() => createPlacing(desk));
  const arrive = useArrival();
  return {
    ...state,
    isUnanswered: (meant) => !state.isBusy && placing.isUnanswered(login.value?.wallet, meant),
    forget: () => setState((now) => (now.isBusy ? now : idle)),
    async rent(wish, keep) {
      setState({ ...idle, isBusy: true });
      try {
        const jobId = await placing.place(wish);
        setState(idle);
        if (jobId !== undefined && arrive(jobId)) await keepKeys(keep);
        return jobId !== undefined;
      } catch (thrown) {
        const failed =
          thrown instanceof PriceRefusal
            ? { change: { was: wish.shown, now: thrown.quote } }
            : { error: asError(thrown) };
        setState({ ...idle, ...failed });
        return false;
      }
    },
  };
}

/** Goes to a job that was ordered, once. @returns false where another click has done so. */
function useArrival(): (jobId: string) => boolean {
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  const arrived = useRef<string | undefined>(undefined);
  return (jobId) => {
    // Two clicks wait for the same job.
    if (arrived.current === jobId) return false;
    arrived.current = jobId;
    refresh('jobs');
    void readWhoami();
    // Whoever has gone elsewhere meanwhile is not taken away from there.
    if (isHere.current) navigate(`/jobs/${segment(jobId)}`);
    else toast('The job is ordered. It is among your jobs.', 'good');
    return true;
  };
}

const desk: Desk = {
  async wallet() {
    const isKnown = await requireLogin('To rent, the broker needs to know your wallet.');
    return isKnown ? login.peek()?.wallet : undefined;
  },
  quote: async (order) => await act(() => broker().quote(order)),
  create: async (order, idempotencyKey) => await act(() => create(order, idempotencyKey)),
  allowMore,
  newKey: newIdempotencyKey,
};

async function create(order: Order, idempotencyKey: string): Promise<string> {
  try {
    const { job } = await broker().jobs.create(order, { wait: 0, idempotencyKey });
    return job.job_id;
  } catch (error) {
    const made = jobMadeBy(error);
    if (made === undefined) throw error;
    return made;
  }
}

/** An order that fails with the id of its job was taken: the job's own page says what became of it. */
function jobMadeBy(error: unknown): string | undefined {
  if (!(error instanceof WorldLandError) || error.code === 'idempotency_conflict') return undefined;
  const { job_id: id } = error.data;
  return typeof id === 'string' ? id : undefined;
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
  return new WorldLandError('internal', 'Something in this page does not work.', { cause: thrown });
}
