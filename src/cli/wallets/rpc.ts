import { exitCodes, Failure, usage } from '../failure.js';

interface RpcAnswer {
  result?: unknown;
  error?: { code?: number; message?: string };
}

/** EIP-1193: the person said no. */
const refusedByPerson = 4001;
/** A person has to read and press. */
const answerMs = 5 * 60_000;

/** A wallet that speaks JSON-RPC, such as Frame or Clef, in the form in which pages know wallets (EIP-1193). */
export function rpcWallet(address: string): { request(call: { method: string; params?: unknown }): Promise<unknown> } {
  const url = checkedAddress(address);
  let id = 0;
  return {
    async request({ method, params }) {
      const answer = await call(url, { jsonrpc: '2.0', id: ++id, method, params: params ?? [] });
      if (answer.error === undefined) return answer.result;
      const { code, message } = answer.error;
      throw Object.assign(new Error(message ?? 'the wallet refused'), { code: code ?? refusedByPerson });
    },
  };
}

/** What is signed must not be seen or changed on the way: only this computer, or TLS. */
function checkedAddress(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usage(`--wallet rpc:${text} is no address`, 'for example: --wallet rpc:http://127.0.0.1:1248');
  }
  const isHere = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)) {
    throw usage('--wallet rpc: takes a wallet on this computer, or one behind https://');
  }
  return url;
}

async function call(url: URL, body: object): Promise<RpcAnswer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerMs),
    });
    return (await response.json()) as RpcAnswer;
  } catch {
    throw new Failure(exitCodes.unreachable, `no wallet answers at ${url.origin}`, 'is Frame or Clef running?');
  }
}
