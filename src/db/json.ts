/** Characters that jsonb cannot store: NUL and unpaired surrogates. */
const unstorable = /[\0\p{Surrogate}]/gu;

/**
 * Serializes a value to JSON that Postgres accepts as jsonb. It removes characters that Postgres rejects: they come
 * from strangers, and one bad row must not fail a statement that writes many.
 */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value ?? null);
  // JSON.stringify escapes what jsonb rejects, and hardly anything else.
  if (!json.includes('\\u')) return json;
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return storableText(part);
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [storableText(name), inner as unknown]));
  });
}

/** Text without the characters that Postgres refuses. */
function storableText(text: string): string {
  return text.replace(unstorable, '');
}
