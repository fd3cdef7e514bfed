import type { Client } from '@temporalio/client';

/** A secret that was found where it must not be. */
interface FoundSecret {
  secret: string;
  /** The name of the text that contains it. */
  text: string;
  /** The text around it, without the secret. */
  around: string;
}

/** Shorter ones would be found by chance, at least in their encoded form. */
const shortestSecret = 12;
const aroundLength = 60;

/**
 * Searches texts for secrets, in plain form and in base64 at any offset.
 *
 * @param texts each under the name by which it is reported.
 * @param secrets each under the name by which it is reported: the output must not repeat them.
 * @throws Error if there are no secrets or no texts: such a search would find nothing for the wrong reason.
 */
export function findSecrets(
  texts: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): FoundSecret[] {
  const empty = Object.entries(texts).filter(([, text]) => text === '');
  const short = Object.entries(secrets).filter(([, secret]) => secret.length < shortestSecret);
  if (Object.keys(texts).length === 0 || empty.length > 0) throw new Error(`nothing to look in: ${String(empty)}`);
  if (Object.keys(secrets).length === 0 || short.length > 0) {
    throw new Error(`nothing to look for, or too short: ${short.map(([name]) => name).join(', ')}`);
  }
  return Object.entries(secrets).flatMap(([secret, value]) => {
    const forms = formsOf(value);
    return Object.entries(texts).flatMap(([text, content]): FoundSecret[] => {
      const form = forms.find((each) => content.includes(each));
      if (form === undefined) return [];
      const at = content.indexOf(form);
      const around = `${content.slice(Math.max(0, at - aroundLength), at)}[…]${content.slice(at + form.length, at + form.length + aroundLength)}`;
      return [{ secret, text, around }];
    });
  });
}

/**
 * Inside of JSON, quotes and line breaks of a text are escaped; inside of base64, it may begin at any of three offsets.
 */
function formsOf(value: string): string[] {
  const inJson = JSON.stringify(value).slice(1, -1);
  const encoded = [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
    // The digits at both ends also hold bits of the neighbours.
    const first = Math.ceil((offset * 4) / 3);
    const whole = Math.floor((bytes.length * 4) / 3);
    const digits = bytes.toString('base64').slice(first, whole);
    return [digits, digits.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [value, inJson, ...encoded];
}

/**
 * The histories of all workflows of a namespace, including finished ones, as JSON text with decoded payloads:
 * everything that an operator, or a thief of Temporal's database, can read.
 *
 * @returns each under `<workflow id>/<run id>`.
 */
export async function exportHistories(client: Client): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const { workflowId, runId, memo, searchAttributes } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    texts[`${workflowId}/${runId}`] = JSON.stringify({ memo, searchAttributes, history: decoded(history) });
  }
  return texts;
}

/**
 * Payloads are bytes that hold JSON. Decodes message by message, because the messages turn their bytes into base64 when
 * `JSON.stringify` reads them.
 */
function decoded(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, decoded(member)]));
}
