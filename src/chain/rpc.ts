import { BaseError, createPublicClient, custom, type Chain, type PublicClient, type Transport } from 'viem';
import { BrokerError } from '../domain/errors.js';

/** Reads a chain through one node. */
export type ChainReader = PublicClient<Transport, Chain>;

export interface Rpc {
  /** The node's host: the rest of its address may be a credential, and stands in no log or error. */
  host: string;
  client: ChainReader;
}

/** A node that takes longer is asked again later: whatever waits for it has time. */
const rpcTimeoutMs = 10_000;
/** Of a response. The largest are the events of a range of blocks. */
const maxResponseBytes = 32 * 1024 * 1024;

/**
 * Opens one connection for each address. Whatever a node does wrong (no answer, no JSON, an answer without a result) is
 * `dependency_unavailable`; what it refuses for a reason stays viem's error, whose `details` are the node's words.
 */
export function createRpcs({ rpcUrls, chainId, timeoutMs = rpcTimeoutMs }: RpcSettings): Rpc[] {
  const chain: Chain = {
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: 'coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  };
  return rpcUrls.map((url) => {
    const { host } = new URL(url);
    const transport = custom({ request: (asked) => ask({ url, host, timeoutMs }, asked as Asked) }, { retryCount: 0 });
    return { host, client: createPublicClient({ chain, transport, ccipRead: false, cacheTime: 0 }) };
  });
}

interface RpcSettings {
  rpcUrls: readonly string[];
  chainId: number;
  /** Only tests have less patience. */
  timeoutMs?: number;
}

interface Node {
  url: string;
  host: string;
  timeoutMs: number;
}

interface Asked {
  method: string;
  params?: unknown;
}

let lastId = 0;

async function ask(node: Node, { method, params = [] }: Asked): Promise<unknown> {
  const id = ++lastId;
  const { host } = node;
  const answer = await exchange(node, JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  if (typeof answer !== 'object' || answer === null || (answer as { id?: unknown }).id !== id)
    throw nodeFails(host, 'answers something else than it was asked');
  const { error, result } = answer as { error?: unknown; result?: unknown };
  if (error !== undefined && error !== null) throw refusal(host, error);
  if (result === undefined) throw nodeFails(host, 'answers without a result');
  return result;
}

async function exchange({ url, host, timeoutMs }: Node, body: string): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      // What is compressed may be a thousand times as much as it seems.
      headers: { 'content-type': 'application/json', 'accept-encoding': 'identity' },
      body,
      // A node that sends its callers elsewhere is not the one that was named.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await textOf(response);
  } catch {
    // The cause names the whole address.
    throw nodeFails(host, 'does not answer');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw nodeFails(host, response.ok ? 'answers no JSON' : `answers ${response.status}`);
  }
}

/** Counts what is read, decoded, and not what the node says of it. The rest of a body that is left is not received. */
async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    if ((length += part.length) > maxResponseBytes) throw new RangeError('too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The codes by which nodes say that they are overloaded or broken, not that the request is wrong. */
const passingCodes = new Set([-32005, -32603, 429]);

function refusal(host: string, error: unknown): Error {
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
  if (typeof code !== 'number' || typeof message !== 'string')
    return nodeFails(host, 'answers no error that can be read');
  // A revert has data; geth reports some by the code of internal errors, too.
  if (
    passingCodes.has(code) &&
    data === undefined &&
    !/revert|already known|nonce|underpriced|insufficient/i.test(message)
  )
    return nodeFails(host, `answers error ${code}`);
  return Object.assign(new Error(message.slice(0, 500)), { code, ...(data === undefined ? {} : { data }) });
}

function nodeFails(host: string, how: string): BrokerError {
  return new BrokerError('dependency_unavailable', `the chain’s node at ${host} ${how}`);
}

/** The node's failure inside an error of viem, or the error itself. */
export function asChainError(error: unknown): unknown {
  if (!(error instanceof BaseError)) return error;
  return error.walk((cause) => cause instanceof BrokerError) ?? error;
}

/** Asks, with the failures of nodes as such. */
export async function askChain<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asChainError(error);
  }
}

/** Asks one node after the other until one answers, for what is believed of nobody alone. */
export async function firstAnswer<T>(rpcs: readonly Rpc[], read: (rpc: Rpc) => Promise<T>): Promise<T> {
  let failure: unknown = new TypeError('no node is named');
  for (const rpc of rpcs) {
    try {
      return await askChain(() => read(rpc));
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** The nodes of a chain contradict each other. Nothing is believed then. */
export class NodesDisagree extends BrokerError {
  /** Whether its alarm was raised. */
  isTold = false;

  /** @param kind of the alarm. */
  constructor(
    readonly about: string,
    readonly kind: 'disagreement' | 'taken_back' = 'disagreement',
  ) {
    super(
      'dependency_unavailable',
      `the nodes of the chain disagree about ${about}: nothing is booked until they agree`,
    );
  }
}

/**
 * Asks all nodes the same.
 *
 * @param about what is asked, for the error.
 * @throws NodesDisagree
 */
export async function agreed<T>(rpcs: readonly Rpc[], about: string, read: (rpc: Rpc) => Promise<T>): Promise<T> {
  const answers = await askChain(() => Promise.all(rpcs.map(read)));
  return sameOf(answers, about);
}

/** @throws NodesDisagree unless all nodes gave this answer. */
export function sameOf<T>(answers: readonly T[], about: string): T {
  const texts = new Set(answers.map((answer) => canonical(answer)));
  if (answers.length === 0 || texts.size !== 1) throw new NodesDisagree(about);
  return answers[0]!;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
