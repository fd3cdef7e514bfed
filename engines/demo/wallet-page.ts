import { privateKeyToAccount } from 'viem/accounts';
import type { Address, Hex, TypedDataDefinition } from 'viem';
import { askNode, refusal } from './wallet-node.js';

/**
 * The wallets of a demo, as an extension of a browser announces them (EIP-6963). It runs in the demo's pages and nowhere
 * else, and its keys are worth nothing: a real wallet never gives its key to a page.
 */
interface DemoAccount {
  name: string;
  privateKey: Hex;
}

/** What the page has, of which the types for Node.js know nothing. */
const page = globalThis as unknown as {
  demoWallets: { chainId: number; hasNode: boolean; accounts: DemoAccount[] };
  confirm(question: string): boolean;
  dispatchEvent(event: unknown): void;
  addEventListener(type: string, listener: () => void): void;
  CustomEvent: new (type: string, init: object) => unknown;
};

const icon =
  'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="%23596273"/><path d="M8 12h16v9H8z" fill="none" stroke="white" stroke-width="2"/></svg>';

const { chainId, hasNode, accounts } = page.demoWallets;
const hexChainId = `0x${chainId.toString(16)}`;
const announced = accounts.map(({ name, privateKey }, index) => {
  const account = privateKeyToAccount(privateKey);
  const provider = {
    on: () => undefined,
    removeListener: () => undefined,
    async request({ method, params = [] }: { method: string; params?: unknown[] }): Promise<unknown> {
      if (method === 'eth_requestAccounts' || method === 'eth_accounts') return [account.address];
      if (method === 'eth_chainId') return hexChainId;
      if (method === 'wallet_switchEthereumChain') {
        if ((params[0] as { chainId?: unknown } | undefined)?.chainId === hexChainId) return null;
        throw refusal(4902, 'the demo wallet has one chain');
      }
      if (hasNode && method === 'eth_sendTransaction')
        return await send({ name, privateKey }, params[0] as Transaction);
      if (hasNode && /^eth_(?!sign|send)/.test(method)) return await askNode(method, params);
      if (method !== 'eth_signTypedData_v4') throw refusal(-32_601, `the demo wallet has no ${method}`);
      const typedData = JSON.parse(String(params[1])) as TypedDataDefinition & { message: object };
      const said = Object.entries(typedData.message).map(([field, value]) => `${field}: ${String(value)}`);
      if (!page.confirm(`${name} signs “${typedData.primaryType}”:\n\n${said.join('\n')}`))
        throw refusal(4001, 'User rejected the request.');
      return await account.signTypedData(typedData);
    },
  };
  const uuid = `de300000-0000-4000-8000-00000000000${index}`;
  return Object.freeze({ info: { uuid, name, icon, rdns: 'example.worldland.demo' }, provider });
});

interface Transaction {
  to: Address;
  data?: Hex;
  value?: Hex;
}

/** Signs what a page asks for, and sends it: the node has no keys. */
async function send({ name, privateKey }: DemoAccount, { to, data = '0x', value = '0x0' }: Transaction): Promise<Hex> {
  const account = privateKeyToAccount(privateKey);
  const call = { from: account.address, to, data, value };
  const number = async (method: string, ...asked: unknown[]) => BigInt((await askNode(method, asked)) as Hex);
  const gas = await number('eth_estimateGas', call);
  if (!page.confirm(`${name} sends a transaction to ${to}:\n\n${data}`))
    throw refusal(4001, 'User rejected the request.');
  const price = await number('eth_gasPrice');
  const signed = await account.signTransaction({
    ...{ type: 'eip1559', chainId, to, data, value: BigInt(value), gas: (gas * 3n) / 2n },
    ...{ nonce: Number(await number('eth_getTransactionCount', account.address, 'pending')) },
    ...{ maxFeePerGas: price * 3n, maxPriorityFeePerGas: price },
  });
  return (await askNode('eth_sendRawTransaction', [signed])) as Hex;
}

const announce = () => {
  for (const detail of announced) page.dispatchEvent(new page.CustomEvent('eip6963:announceProvider', { detail }));
};
page.addEventListener('eip6963:requestProvider', announce);
announce();
