export * from './index.js';
export { fileStore } from './node/file-store.js';
export { keystoreAccount, keystoreKey, WrongPassword } from './node/keystore.js';
