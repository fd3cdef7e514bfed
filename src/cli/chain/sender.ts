import type { Address, Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { connectWallet, type Eip1193Provider, type TypedData } from '../../client/wallet.js';
import { clean } from '../../words/clean.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { walletKind } from '../wallets/signer.js';
import type { Call } from './calls.js';
import type { Node } from './node.js';

/** Who signs and sends: a key in this process, or a wallet that does both by itself. */
export type Sender = { address: Address; sign(typedData: TypedData): Promise<Hex> } & (
  { kind: 'key'; account: PrivateKeyAccount } | { kind: 'wallet'; send(call: Call): Promise<Hex> }
);

export interface SenderFlags {
  wallet?: string;
}

/**
 * Asks for the wallet that is to send.
 *
 * @throws Failure for one in the browser: its page signs logins alone, so that no link can make it send.
 */
export async function openSender(context: Context, flags: SenderFlags, node: Node): Promise<Sender> {
  const kind = walletKind(flags.wallet, context.env);
  if (kind === 'browser') throw browserCannot(context);
  const signer = await kind.signer();
  if (!('request' in signer)) {
    const account = signer as PrivateKeyAccount;
    return {
      ...{ kind: 'key', account, address: account.address.toLowerCase() as Address },
      sign: (typedData) => account.signTypedData(typedData),
    };
  }
  const provider = signer;
  const { address, sign } = await connectWallet(provider, { chainId: node.chainId, accepted: async () => undefined });
  return { ...{ kind: 'wallet', address, sign }, send: (call) => sendBy(provider, address, call) };
}

function browserCannot(context: Context): Failure {
  let page = 'the console of the broker';
  try {
    page = `${context.api()}/console/deposits`;
  } catch {
    // There may be no broker any more, and a way out all the same.
  }
  return usage(
    'a wallet in the browser sends nothing for wl: a link that could make it send could be anybody’s',
    `send from ${page}\nor have wl print what to send, for any wallet: --print\nor name another wallet: --wallet keystore:PATH, file:PATH, env or rpc:URL`,
  );
}

/** EIP-1193: the person said no. */
const refusedByPerson = 4001;

async function sendBy(provider: Eip1193Provider, from: Address, { to, data }: Call): Promise<Hex> {
  let hash: unknown;
  try {
    hash = await provider.request({ method: 'eth_sendTransaction', params: [{ from, to, data, value: '0x0' }] });
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code, message = '' } = error as { code?: unknown; message?: string };
    if (code === refusedByPerson) {
      throw new Failure(exitCodes.notLoggedIn, 'the wallet was asked to send, and said no');
    }
    throw new Failure(exitCodes.unreachable, `the wallet did not send: ${clean(message).slice(0, 300)}`);
  }
  if (typeof hash === 'string' && /^0x[0-9a-f]{64}$/i.test(hash)) return hash.toLowerCase() as Hex;
  throw new Failure(
    exitCodes.unreachable,
    'the wallet did not say which transaction it has sent',
    'look there whether it has, before you try again',
  );
}
