import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose work it is: the address comes first, then the caller's identity or claimed identity. */
export interface Turn {
  network: string;
  who: string;
}

const current = new AsyncLocalStorage<Turn>();
const nobodys: Turn = { network: '', who: '' };

/** Makes everything that `work` queues count as work of `turn`. */
export function inTurn<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
  return current.run(turn, work);
}

/** Whose work is currently running; unnamed callers share one turn. */
export function currentTurn(): Turn {
  return current.getStore() ?? nobodys;
}

interface Waiting {
  run: () => Promise<unknown>;
  drop: () => void;
}

/**
 * A queue in which addresses take turns, and the callers at one address take turns too: a sender of a thousand requests
 * waits for his own thousand but delays others by at most one.
 */
export class Turns {
  readonly #networks = new Map<string, Map<string, Waiting[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add({ network, who }: Turn, waiting: Waiting): void {
    const lanes = this.#networks.get(network) ?? new Map<string, Waiting[]>();
    const lane = lanes.get(who) ?? [];
    lane.push(waiting);
    lanes.set(who, lane);
    this.#networks.set(network, lanes);
    this.#size++;
  }

  /** Removes the next item; its address and its lane go to the end. */
  next(): Waiting | undefined {
    for (const [network, lanes] of this.#networks) {
      for (const [who, lane] of lanes) {
        const first = lane.shift()!;
        this.#size--;
        lanes.delete(who);
        if (lane.length > 0) lanes.set(who, lane);
        this.#networks.delete(network);
        if (lanes.size > 0) this.#networks.set(network, lanes);
        return first;
      }
    }
    return undefined;
  }

  /**
   * Removes the last item of the longest lane at the address with the most waiting items, so whoever fills the queue
   * makes room.
   */
  dropFromLongest(): Waiting | undefined {
    const [network, lanes] = longest(this.#networks, (of) => sum(of)) ?? [];
    const [who, lane] = longest(lanes ?? new Map<string, Waiting[]>(), (of) => of.length) ?? [];
    const last = lane?.pop();
    if (last === undefined) return undefined;
    this.#size--;
    if (lane!.length === 0) lanes!.delete(who!);
    if (lanes!.size === 0) this.#networks.delete(network!);
    return last;
  }
}

function longest<Of>(map: ReadonlyMap<string, Of>, lengthOf: (of: Of) => number): [string, Of] | undefined {
  let found: [string, Of] | undefined;
  let most = 0;
  for (const [key, of] of map) {
    const length = lengthOf(of);
    if (length > most) [found, most] = [[key, of], length];
  }
  return found;
}

function sum(lanes: ReadonlyMap<string, Waiting[]>): number {
  let total = 0;
  for (const lane of lanes.values()) total += lane.length;
  return total;
}
