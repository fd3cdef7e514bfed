import type { $ZodRawIssue } from 'zod/v4/core';

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

const formats: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  url: 'a URL',
  datetime: 'a time such as 2026-01-31T12:00:00Z',
};

/** What is counted of a value that is too big or too small. */
const units: Readonly<Record<string, string>> = { string: ' characters', array: ' items', set: ' items' };

/**
 * What a client is told about a value that a schema has no words of its own for: what the field takes, never what came.
 *
 * @returns undefined for what the schema library says well enough.
 */
export function plainWords(issue: $ZodRawIssue): string | undefined {
  const wanted = wantedBy(issue);
  if (wanted === undefined) return undefined;
  return issue.input === undefined ? `required: ${wanted}` : `must be ${wanted}`;
}

function wantedBy(issue: $ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return kinds[issue.expected];
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return formats[issue.format];
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${units[issue.origin] ?? ''}`;
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${units[issue.origin] ?? ''}`;
    default:
      return undefined;
  }
}
