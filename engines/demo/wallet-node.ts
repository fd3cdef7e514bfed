/** What pages and extensions have, of which the types for Node.js know nothing. */
const page = globalThis as unknown as {
  location: { origin: string };
  postMessage(message: unknown, origin: string): void;
  addEventListener(type: 'message', listener: (event: { data: unknown; origin: string }) => void): void;
  removeEventListener(type: 'message', listener: (event: { data: unknown; origin: string }) => void): void;
};

interface Question {
  demoNode: { id: string; method: string; params: unknown[] };
}

interface Answer {
  demoNodeSays: { id: string; result?: unknown; error?: { code?: number; message?: string; data?: unknown } };
}

/** As EIP-1193 has it. */
export const refusal = (code: number, message: string, data?: unknown): Error =>
  Object.assign(new Error(message), { code, data });

let asked = 0;

/** Asks the node of the demo's chain. A page may not do that itself, by its policy; the extension beside it may. */
export async function askNode(method: string, params: unknown[]): Promise<unknown> {
  const id = `${++asked}`;
  return await new Promise((resolve, reject) => {
    const listener = ({ data, origin }: { data: unknown; origin: string }) => {
      const says = (data as Partial<Answer> | null)?.demoNodeSays;
      if (origin !== page.location.origin || says?.id !== id) return;
      page.removeEventListener('message', listener);
      const { error, result } = says;
      if (error === undefined) resolve(result);
      else reject(refusal(error.code ?? -32_603, error.message ?? 'the node refused', error.data));
    };
    page.addEventListener('message', listener);
    page.postMessage({ demoNode: { id, method, params } } satisfies Question, page.location.origin);
  });
}

/** Serves the above, beside the page: it asks for what wallets ask, and changes nothing of a chain for tests. */
export function serveNode(url: string, origin: string): void {
  page.addEventListener('message', (event) => {
    const question = (event.data as Partial<Question> | null)?.demoNode;
    if (event.origin !== origin || question === undefined || !/^eth_/.test(question.method)) return;
    const { id, method, params } = question;
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    void fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      .then(async (response) => (await response.json()) as Omit<Answer['demoNodeSays'], 'id'>)
      .catch(() => ({ error: { message: 'the node of the demo’s chain does not answer' } }))
      .then((answer) => page.postMessage({ demoNodeSays: { ...answer, id } } satisfies Answer, origin));
  });
}
