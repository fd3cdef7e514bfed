import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { BrokerError } from '../domain/errors.js';
import { jobObjectName } from '../domain/job.js';
import type { LogAnswer, LogQuery } from '../domain/job-log.js';
import type { Kubernetes } from './client.js';
import { jobContainer } from './observe-pod.js';

/** Until the head of the answer; the API server itself waits up to half a minute for a machine. */
const beginsWithinMs = 8_000;
const maxErrorBytes = 16 * 1024;

/**
 * Asks for the log of a job's container. The machine behind it may send anything, for any time: whoever reads it sets the
 * bounds, and aborts.
 *
 * @throws BrokerError `dependency_unavailable` if the API server does not answer.
 */
export async function readPodLog(kubernetes: Kubernetes, query: LogQuery, signal: AbortSignal): Promise<LogAnswer> {
  let response: IncomingMessage;
  try {
    response = await ask(kubernetes, query, signal);
  } catch (error) {
    throw new BrokerError('dependency_unavailable', 'Kubernetes: no answer', {}, { cause: error });
  }
  if (response.statusCode === 200) return { kind: 'log', pieces: response };
  const text = await shortBody(response);
  switch (response.statusCode) {
    case 400:
      // "container … is waiting to start", in several wordings, and "… not found in pod" while it is being made.
      return { kind: 'nothing_yet' };
    case 404:
      return { kind: 'gone' };
    case 401:
    case 403:
      return { kind: 'withheld', why: 'site' };
    default:
      // The API server has answered that the kubelet does not: no port, no certificate, no such server.
      if (/:\d{1,5}\/containerLogs\//.test(text)) return { kind: 'withheld', why: 'machine' };
      throw new BrokerError('dependency_unavailable', `Kubernetes: status ${response.statusCode}`);
  }
}

async function ask(kubernetes: Kubernetes, query: LogQuery, signal: AbortSignal): Promise<IncomingMessage> {
  const { jobId, namespace, tail, since, follow } = query;
  const server = new URL(kubernetes.config.getCurrentCluster()!.server);
  const url = new URL(
    `${server.pathname.replace(/\/$/, '')}/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${jobObjectName(jobId)}/log`,
    server,
  );
  url.searchParams.set('container', jobContainer);
  url.searchParams.set('timestamps', 'true');
  if (tail !== undefined) url.searchParams.set('tailLines', String(tail));
  if (since !== undefined) url.searchParams.set('sinceTime', since);
  if (follow === true) url.searchParams.set('follow', 'true');
  const options: RequestOptions = { method: 'GET', headers: {} };
  await kubernetes.config.applyToHTTPSOptions(options);
  return await new Promise((resolve, reject) => {
    const asked = request(url, { ...options, signal }, (response) => {
      clearTimeout(late);
      resolve(response);
    });
    const late = setTimeout(() => asked.destroy(new Error('no answer in time')), beginsWithinMs);
    asked.on('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    asked.end();
  });
}

async function shortBody(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const piece of response) {
      text += String(piece);
      if (text.length > maxErrorBytes) break;
    }
  } catch {
    // What came is enough.
  }
  response.destroy();
  return text;
}
