/** Wallets that `wl` itself can ask, as help and errors name them. */
export const walletKindsWithoutPage = 'env, file:PATH, keystore:PATH or rpc:URL';
/** All that `--wallet` takes. */
export const walletKinds = `browser, ${walletKindsWithoutPage}`;
