/** What an operator or the owner may order about a provider. */
export interface ProviderCommand {
  action: 'cordon' | 'uncordon' | 'drain' | 'retire';
  /** The wallet that orders it. */
  by: string;
  /** With `drain` and `retire`: when the last of its jobs ends; without, each at its own expiry. */
  until?: Date;
}

/** What the API asks of providers' workflows. */
export interface ProviderCommands {
  /**
   * Completes when nothing is placed there any more, or may be again, and its jobs know of it. Repeated without harm.
   *
   * @throws BrokerError `provider_retired`, `rate_limited`, `dependency_unavailable`
   */
  order(providerId: string, command: ProviderCommand): Promise<void>;
}
