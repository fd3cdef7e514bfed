/** What a wallet did not do; the message is a sentence for the person at the screen. */
export class WalletRefusal extends Error {
  override readonly name = 'WalletRefusal';
}
