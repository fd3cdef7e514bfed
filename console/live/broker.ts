import { signal } from '@preact/signals';
import { sessionStorageStore, type Site, type Token } from '../../src/client/index.js';
import { connectLazily, type Broker } from './client.js';
import { watchedFetch } from './reach.js';

/** Where the console is, and where its broker is: a proxy may serve both below a path of its own. */
export const consoleBase = new URL(import.meta.url.replace(/assets\/[^/]*$/, ''));
export const api = new URL('..', consoleBase).href.replace(/\/$/, '');

/** Keeps the token of this tab; it refuses session keys. */
export const store = sessionStorageStore();

/** No repeats of its own: the page says what is so at once, and `useResource` repeats with the person watching. */
const repeats = 0;

const make = () => connectLazily({ api, store, fetch: watchedFetch, retries: repeats });

let client = make();

/** The client of the broker, with the login of this tab. Call it each time: a login makes another one. */
export function broker(): Broker {
  return client;
}

/** A client that speaks with a token of an earlier login. */
export function clientWith(token: string): Broker {
  return connectLazily({ api, token, fetch: watchedFetch, retries: repeats });
}

/** After what is stored has changed. */
export function renewBroker(): void {
  client = make();
}

/** What the broker says about itself; undefined until it is read. */
export const site = signal<Site | undefined>(undefined);

/** The token of the broker, as amounts are shown; before it is known, in the form that most have. */
export function token(): Pick<Token, 'symbol' | 'decimals'> {
  const { symbol = '', decimals = 18 } = site.value?.token ?? {};
  return { symbol, decimals: Number.isInteger(decimals) && decimals >= 0 && decimals <= 36 ? decimals : 18 };
}

/** Reads the facts about the broker; they are needed for every amount. */
export async function readSite(): Promise<Site> {
  const read = await broker().site();
  site.value = read;
  return read;
}
