/** Wallets that `wl` itself can ask, as help and errors name them. */
export const walletKindsWithoutPage = 'env, file:PATH, keystore:PATH or rpc:URL';
/** Those that send a transaction: the page of the broker has a wallet sign, and sends nothing. */
export const walletKindsThatSend = walletKindsWithoutPage;
/** All that `--wallet` takes. */
export const walletKinds = `browser, ${walletKindsWithoutPage}`;
