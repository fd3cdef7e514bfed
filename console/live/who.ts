import { computed, signal } from '@preact/signals';
import type { Whoami } from '../../src/client/shapes.js';
import type { Broker } from './client.js';

/** The login of this tab, as far as it is known without asking the broker. */
export interface Login {
  wallet: string;
  sessionId: string;
  /** Base units. */
  spendLimit: string;
  /** RFC 3339. */
  expiresAt: string;
}

/**
 * The login; undefined: nobody is logged in. A page needs no more than this and `requireLogin()`:
 *
 * ```ts
 * if (login.value === undefined) return <ConnectFirst what="your jobs" />;
 * ```
 */
export const login = signal<Login | undefined>(undefined);
/** The broker no longer takes the login: it ended, or was ended elsewhere. It stays shown until the next one. */
export const isLost = signal(false);
/** What the session may still spend, of the broker; undefined until it is read. */
export const whoami = signal<Whoami | undefined>(undefined);
/** Whether the wallet may be an operator here. */
export const mayBeAdmin = computed(() => whoami.value?.may_be_admin === true);

/** The operator's client, whose key is in memory only: a reload asks the wallet again. */
export const operator = signal<Broker | undefined>(undefined);
/** The operator's last client while the wallet is asked again in the middle of an action: the page stays as it is. */
export const renewing = signal<Broker | undefined>(undefined);
