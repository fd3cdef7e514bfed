import { z } from 'zod';
import { flag, whole } from './values.js';

export const providerVariables = {
  /**
   * Silence after which a provider is offline. Agents send a heartbeat every 30 s, so the default is three of them. Below 60 one
   * lost heartbeat takes a provider offline; long values sell machines that are gone.
   */
  HEARTBEAT_TIMEOUT_S: whole(90, 3, 3_600),
  /**
   * How long a running job waits for a provider that went away before it ends as `provider_lost`. Short ends jobs over a
   * reboot; long keeps customers waiting for a machine that does not come back. The time away is not paid for.
   */
  PROVIDER_LOSS_GRACE_S: whole(300, 1, 86_400),
  /**
   * Different wallets whose starts must have failed at a provider, by its own doing, before it gets no orders for a while. With
   * 1, a single customer could do that to it, so 2 is the least.
   */
  PROVIDER_OUT_WALLETS: whole(3, 2, 100),
  /**
   * For how long, the first time; each further time twice as long, up to a day. A job that starts
   * ends the count. Short sends customers to a broken machine again; long punishes one that was repaired at once.
   */
  PROVIDER_OUT_S: whole(600, 1, 86_400),
  /**
   * What happens to unsigned messages of providers. `required` rejects them. `permissive` lets a provider that never signed wait
   * until its owner claims it or an operator approves it. `off` accepts them: anybody who reaches Redis speaks for any
   * provider, so it is for development.
   */
  PROVIDER_AUTH_MODE: z.enum(['required', 'permissive', 'off']).default('required'),
  /** Confirms `PROVIDER_AUTH_MODE=off` in production, which does not start without it. */
  ALLOW_INSECURE_PROVIDERS: flag(false),
};
