import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keccak256, type Hex } from 'viem';

/**
 * What becomes of a request: forwarded and answered; answered with a value that is not the chain's; forwarded twice;
 * forwarded, and the answer lost; taken for done, and forgotten; not answered at all; answered with text.
 */
export type Fault =
  | 'pass'
  | 'twice'
  | 'lose answer'
  | 'swallow'
  | 'no connection'
  | 'hang'
  | 'nonsense'
  | { result: unknown }
  /** What is changed may take its time. */
  | { change: (result: unknown) => unknown }
  | { error: { code: number; message: string; data?: unknown } };

export interface AskedOfChain {
  method: string;
  params: unknown[];
}

export type RpcProxy = Awaited<ReturnType<typeof startRpcProxy>>;

/** A node that stands before another one, and is as bad as a test wants it to be. */
export async function startRpcProxy(target: string) {
  let decide: (asked: AskedOfChain) => Fault = () => 'pass';
  const asked: AskedOfChain[] = [];
  const server = createServer(
    (request, response) => void serve(request, response).catch(() => request.socket.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function forward(body: string): Promise<{ result?: unknown; error?: unknown }> {
    const response = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return (await response.json()) as { result?: unknown; error?: unknown };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { id, ...question } = JSON.parse(body) as AskedOfChain & { id: number };
    asked.push(question);
    const fault = decide(question);
    const answer = (outcome: object) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
    };
    if (fault === 'no connection') return void request.socket.destroy();
    if (fault === 'hang') return;
    if (fault === 'nonsense') return void response.writeHead(200).end('<html>sign in</html>');
    if (fault === 'swallow') return answer({ result: keccak256(question.params[0] as Hex) });
    if (typeof fault === 'object' && 'change' in fault) {
      const { result, error } = await forward(body);
      return answer(error === undefined ? { result: await fault.change(result) } : { error });
    }
    if (typeof fault === 'object') return answer(fault);
    if (fault === 'twice') await forward(body);
    const { result, error } = await forward(body);
    if (fault === 'lose answer') return void request.socket.destroy();
    answer(error === undefined ? { result } : { error });
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    /** From now on. */
    faults(of: (asked: AskedOfChain) => Fault) {
      decide = of;
    },
    /** The next request of the method alone. */
    once(method: string, fault: Fault) {
      let isDone = false;
      decide = (question) => {
        if (isDone || question.method !== method) return 'pass';
        isDone = true;
        return fault;
      };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
