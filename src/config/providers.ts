import { z } from 'zod';
import { flag, ranges, whole } from './values.js';

export const providerVariables = {
  /**
   * Silence after which a provider is offline. Agents send a heartbeat every 30 s, so the default is three of them.
   * Below 60, one lost heartbeat takes a provider offline; long values sell machines that are gone.
   */
  HEARTBEAT_TIMEOUT_S: whole(90, 3, 3_600),
  /**
   * How long a running job waits for its absent provider before it ends as `provider_lost`. Short ends jobs over a
   * reboot; long keeps customers waiting for a machine that does not come back. Customers do not pay for the absence.
   */
  PROVIDER_LOSS_GRACE_S: whole(300, 1, 86_400),
  /**
   * Number of wallets whose starts must have failed at a provider, by its own fault, before it gets no orders for a
   * while. At 1, a single customer could cause that, so 2 is the minimum.
   */
  PROVIDER_OUT_WALLETS: whole(3, 2, 100),
  /**
   * How long such a provider gets no orders; the time doubles with each repetition, up to a day, until a job starts
   * there. Short sends customers to a broken machine again; long punishes a machine that was repaired at once.
   */
  PROVIDER_OUT_S: whole(600, 1, 86_400),
  /**
   * How the broker treats unsigned messages of providers. `required` rejects them. `permissive` lets a provider that
   * never signed wait until its owner claims it or an operator approves it. `off` accepts them: anybody who reaches
   * Redis can speak for any provider, so it is for development.
   */
  PROVIDER_AUTH_MODE: z.enum(['required', 'permissive', 'off']).default('required'),
  /** Confirms `PROVIDER_AUTH_MODE=off` in production; the broker does not start without it. */
  ALLOW_INSECURE_PROVIDERS: flag(false),
  /**
   * Networks of addresses that customers on the internet cannot reach, in which machines of this site may stand all the
   * same: those of the laboratory or the company that its customers are in, too. Registrations that name any other such
   * address are refused, and the broker connects to none. Loopback is refused in production: what listens on the
   * broker's own host must not be taken for a machine.
   */
  PROVIDER_PRIVATE_CIDRS: ranges.describe('list of networks such as 10.20.0.0/16, separated by commas'),
};
