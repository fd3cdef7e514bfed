import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  decodeAbiParameters,
  erc6492SignatureValidatorByteCode,
  isErc6492Signature,
  parseErc6492Signature,
  recoverAddress,
  type Address,
  type Hex,
} from 'viem';

/** A contract wallet: it accepts its owner's signatures. */
interface Contract {
  owner: Address;
  /** Whether a contract is at its address; if not, this factory has yet to deploy it. */
  isDeployed: boolean;
  /** Set if it ends every call without a result; the node's error for that. */
  ends?: object;
}

/** How the node fails for a method. */
export type Fault = 'no connection' | 'HTTP 503' | 'overloaded' | 'behind';

export const factory: Address = `0x${'fa'.repeat(20)}`;

/** A chain's node, with JSON-RPC over HTTP, that knows a few contract wallets. */
export interface FakeChain {
  url: string;
  contracts: Map<string, Contract>;
  /** The called methods, in order. */
  asked: string[];
  /** Faults by method. */
  faults: Map<string, Fault>;
  /** Holds back all responses until the returned function is called. */
  hold(): () => void;
  stop(): Promise<void>;
}

export async function startChain({ chainId = 1 }: { chainId?: number } = {}): Promise<FakeChain> {
  const contracts: FakeChain['contracts'] = new Map();
  const faults: FakeChain['faults'] = new Map();
  const asked: string[] = [];
  let held = Promise.resolve();
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    contracts,
    asked,
    faults,
    hold() {
      let release = () => {};
      held = new Promise((resolve) => (release = resolve));
      return release;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
    asked.push(method);
    await held;
    const fault = faults.get(method);
    if (fault === 'no connection') return void request.socket.destroy();
    if (fault === 'HTTP 503') return void response.writeHead(503).end('the node is away');
    const error = fault === undefined ? undefined : faultErrors[fault];
    const outcome = error === undefined ? await outcomeOf(method, params) : { error };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
  }

  async function outcomeOf(method: string, params: Asked['params']): Promise<object> {
    if (method === 'eth_chainId') return { result: `0x${chainId.toString(16)}` };
    if (method === 'eth_getCode') {
      const contract = contracts.get((params[0] as string).toLowerCase());
      return { result: contract?.isDeployed === true ? '0x6080' : '0x' };
    }
    // The only expected call: a validator that runs without being deployed.
    const { data } = params[0] as { data: Hex };
    const given: Hex = `0x${data.slice(erc6492SignatureValidatorByteCode.length)}`;
    const [address, hash, signature] = decodeAbiParameters(
      [{ type: 'address' }, { type: 'bytes32' }, { type: 'bytes' }],
      given,
    );
    const contract = contracts.get(address.toLowerCase());
    if (contract?.ends !== undefined) return { error: contract.ends };
    return { result: (await isValid(contract, hash, signature)) ? '0x01' : '0x00' };
  }
}

interface Asked {
  id: number;
  method: string;
  params: unknown[];
}

const faultErrors: Partial<Record<Fault, object>> = {
  overloaded: { code: -32005, message: 'too many requests' },
  behind: { code: -32000, message: 'header not found' },
};

async function isValid(contract: Contract | undefined, hash: Hex, signature: Hex): Promise<boolean> {
  if (contract === undefined) return false;
  const wrapped = isErc6492Signature(signature) ? parseErc6492Signature(signature) : undefined;
  if (!contract.isDeployed && wrapped?.address?.toLowerCase() !== factory) return false;
  const signer = await recoverAddress({ hash, signature: wrapped?.signature ?? signature });
  return signer === contract.owner;
}
