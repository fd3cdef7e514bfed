/** What the API asks of the workers that have the key of the vault’s operator. */
export interface VaultCommands {
  /**
   * Has a withdrawal signed, or given back if the vault would not pay it out. Its row says which.
   *
   * @throws BrokerError `dependency_unavailable` when neither happened in time: it goes on, and may be asked again.
   */
  signWithdrawal(id: string): Promise<void>;
}
