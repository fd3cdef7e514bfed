import type { ProviderAction } from '../domain/provider.js';

/** A command that an operator or the owner may give a provider. */
export interface ProviderCommand {
  action: ProviderAction;
  /** The wallet that gives it. */
  by: string;
  /** With `drain` and `retire`: when the last of its jobs ends; if absent, each ends at its own expiry. */
  until?: Date;
}

/** What the API asks of providers' workflows. */
export interface ProviderCommands {
  /**
   * Completes once placement and the provider's jobs know of the command. Safe to repeat.
   *
   * @throws BrokerError `provider_retired`, `rate_limited`, `dependency_unavailable`
   */
  order(providerId: string, command: ProviderCommand): Promise<void>;
}
