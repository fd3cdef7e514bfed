import { Agent, request as httpRequest } from 'node:http';
import type { Random } from '../support/random.js';
import { hostileJson } from '../support/hostile-values.js';
import { operationsOf, someQuery, type KnownValues, type Operation } from './description.js';
import { goodRequests, signedBy, whoMay, type Chain, type GoodRequest } from './good-requests.js';
import { createMutations } from './mutations.js';
import type { People } from './people.js';
import { createAnswers, type Answers } from './reached.js';

interface Answer {
  status: number;
  type: string;
  text: string;
  json: unknown;
}

/** Calls the operations of a description one after the other, with the ids that earlier responses contain. */
export interface Chains {
  operations: readonly Operation[];
  answers: Answers;
  /** Forbidden responses, each with the request that caused it. */
  faults: string[];
  /** Sends one request, valid or with something wrong. */
  ask(operation: Operation, isGood: boolean): Promise<void>;
  close(): void;
}

/** Whether a value is one segment of a path, and valid in a request line. */
const segment = (value: string) => encodeURIComponent(value.replace(/\p{Surrogate}/gu, '\ufffd')) || '%00';
const headerValue = (value: string) => value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');

export async function startChains(people: People, random: Random): Promise<Chains> {
  const agent = new Agent({ keepAlive: true });
  const { chance, text, json, cursor } = createMutations(random);
  const { answers, count } = createAnswers();
  const faults: string[] = [];
  const jobs: string[] = [];
  const cursors = new Map<string, string[]>();
  const operations = operationsOf((await people.api.send('GET', '/openapi.json')).json);

  const chain: Chain = {
    people,
    random,
    someJob: () => (jobs.length === 0 ? undefined : random.pick(jobs)),
    async runningJob() {
      const order = operations.find(({ id }) => id === 'post-jobs')!;
      // A key may belong to an earlier job, or to another order.
      const { headers: _, ...made } = await goodRequests[order.id]!(chain, order);
      const answer = await send(order, { ...made, headers: { prefer: 'wait=1' } });
      return (answer.json as { job_id?: string } | undefined)?.job_id ?? random.pick(jobs);
    },
  };

  return { operations, answers, faults, ask, close: () => agent.destroy() };

  async function ask(operation: Operation, isGood: boolean): Promise<void> {
    const made = (await goodRequests[operation.id]?.(chain, operation)) ?? {};
    const known: KnownValues = {
      ...{ gpu: ['RTX 4090'], gpu_type: ['RTX 4090'], min_cuda: ['12.4'], architecture: ['amd64'] },
      cursor: cursors.get(operation.id) ?? [],
    };
    const good = { query: someQuery(operation, random, known), ...made };
    await (isGood ? send(operation, good) : send(operation, await changed(operation, good), chance(0.2)));
  }

  /** The same request with one or two things wrong, signed like the valid one. */
  async function changed(operation: Operation, good: GoodRequest): Promise<GoodRequest & { sent?: string }> {
    const bad: GoodRequest & { sent?: string } = { ...good };
    if (good.signedAnew !== undefined && chance(0.6)) bad.body = await good.signedAnew(json);
    else if (good.body !== undefined && chance(0.7)) bad.sent = json(good.body);
    else if (operation.method !== 'GET' && chance(0.3)) bad.sent = random.pick(hostileJson);
    if (good.id !== undefined && chance(0.2)) bad.id = text(good.id);
    for (const [name, value] of Object.entries(good.parts ?? {})) {
      if (chance(0.3)) bad.parts = { ...good.parts, ...bad.parts, [name]: text(value) };
    }
    for (const { name, in: place } of operation.parameters) {
      if (place === 'path' || !chance(0.2)) continue;
      const value = name === 'cursor' ? cursor() : text(good.query?.[name] ?? good.headers?.[name] ?? '1');
      if (place === 'query') bad.query = { ...bad.query, [name]: value };
      else bad.headers = { ...bad.headers, [name]: value };
    }
    return bad;
  }

  async function send(
    operation: Operation,
    { id = '', parts = {}, query = {}, headers = {}, ...made }: GoodRequest & { sent?: string },
    isBadlySigned = false,
  ): Promise<Answer> {
    const { method } = operation;
    const asked = Object.entries(query).map(([name, value]) => `${name}=${segment(value)}`);
    const named = Object.entries({ id, ...parts });
    const path = named.reduce((so, [name, value]) => so.replace(`{${name}}`, () => segment(value)), operation.path);
    const target = asked.length === 0 ? path : `${path}?${asked.join('&')}`;
    const body = made.sent ?? (made.body === undefined ? '' : JSON.stringify(made.body));
    const person = isBadlySigned ? random.pick([people.customer, people.owner, people.operator]) : undefined;
    const signed = await credential(operation, made.sign, person, { target, body });
    if (isBadlySigned && chance(0.5)) {
      const name = random.pick(Object.keys(signed));
      if (name !== undefined) signed[name] = text(signed[name]!);
    }
    const type: Record<string, string> = body === '' ? {} : { 'content-type': 'application/json' };
    const all = Object.entries({ ...type, ...headers, ...signed });
    const answer = await exchange(method, target, Object.fromEntries(all.map(([n, v]) => [n, headerValue(v)])), body);
    look(operation, answer, `${method} ${target.slice(0, 500)} ${body.slice(0, 1_500)}`);
    return answer;
  }

  async function credential(
    operation: Operation,
    sign: GoodRequest['sign'],
    other: People['customer'] | undefined,
    { target, body }: { target: string; body: string },
  ): Promise<Record<string, string>> {
    if (sign !== undefined) return await sign(operation.method, target, body);
    if (operation.isOpen) return {};
    const { key, token } = other ?? whoMay(operation, people);
    if (operation.takesTokens && chance(0.3)) return { authorization: `Bearer ${token}` };
    return await signedBy(key)(operation.method, target, body);
  }

  function look(operation: Operation, answer: Answer, asked: string): void {
    const { status, json: said } = answer;
    count(operation.id, status);
    const misfit = status >= 500 && status !== 503 ? 'a fault of ours' : operation.misfit(answer);
    if (misfit !== undefined)
      faults.push(`${operation.id}: ${status}, ${misfit}: ${asked} -> ${answer.text.slice(0, 500)}`);
    if (status >= 300) return;
    const { job_id: jobId, next_cursor: next } = (said ?? {}) as { job_id?: string; next_cursor?: string };
    if (operation.id === 'post-jobs' && jobId !== undefined) jobs.push(jobId);
    if (next !== undefined) cursors.set(operation.id, [...(cursors.get(operation.id) ?? []), next]);
  }

  /** Sends it with a client that does not normalise the path. */
  function exchange(method: string, path: string, headers: Record<string, string>, body: string): Promise<Answer> {
    const { hostname, port } = new URL(people.api.url);
    return new Promise((resolve, reject) => {
      const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
      const asked = httpRequest(
        { agent, hostname, port, method, path, headers: { ...headers, ...length } },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('error', reject).on('data', (part: Buffer) => parts.push(part));
          answer.on('end', () => {
            const [said, type] = [Buffer.concat(parts).toString(), answer.headers['content-type'] ?? ''];
            const parsed: unknown = type.includes('json') && said !== '' ? JSON.parse(said) : undefined;
            resolve({ status: answer.statusCode!, type, text: said, json: parsed });
          });
        },
      );
      asked.on('error', reject).end(body);
    });
  }
}
