/** JavaScript text that a jsonb value cannot hold: NUL, and halves of surrogate pairs that stand alone. */
const unstorable = /[\0\p{Surrogate}]/gu;

/**
 * JSON that Postgres stores as jsonb without complaint. Characters it refuses are left out: they come from strangers,
 * and one bad row must not fail a statement that carries many.
 */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value ?? null);
  // What jsonb refuses is written as an escape by JSON.stringify, and hardly anything else is.
  if (!json.includes('\\u')) return json;
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return storableText(part);
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [storableText(name), inner as unknown]));
  });
}

/** Text without the characters that Postgres refuses. */
export function storableText(text: string): string {
  return text.replace(unstorable, '');
}
