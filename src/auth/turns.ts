import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose work it is: by address first, and there by whoever he is or says he is. */
export interface Turn {
  network: string;
  who: string;
}

const current = new AsyncLocalStorage<Turn>();
const nobodys: Turn = { network: '', who: '' };

/** Has what `work` waits for in queues count as that of `turn`. */
export function inTurn<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
  return current.run(turn, work);
}

/** Whose the work is that goes on now; of those that nobody named, all are one. */
export function currentTurn(): Turn {
  return current.getStore() ?? nobodys;
}

interface Waiting {
  run: () => Promise<unknown>;
  drop: () => void;
}

/**
 * A queue in which addresses take turns, and within each those who ask from there: whoever sends a thousand things waits
 * for his own thousand, and keeps somebody else waiting for one of them.
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

  /** Takes out what is next; its address and its lane go to the end. */
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

  /** Takes out the last of the longest lane of the address that has most waiting: room is made by whoever fills it. */
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
