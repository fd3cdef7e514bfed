export * from './index.js';
export { fileStore } from './node/file-store.js';
export { keystoreAccount, WrongPassword } from './node/keystore.js';
