import { sentence, type Printable } from './outside.js';

/**
 * The kinds of pull errors shown to a customer. He chooses the registry's host, and the request comes from inside a
 * provider's network: the kubelet's own words would tell him which machines and ports there answer, and how. So every
 * failure to reach a proper registry is shown as the same kind.
 */
const kinds: readonly (readonly [words: RegExp, kind: string])[] = [
  [/no match for platform|no matching manifest/i, 'it is not made for this kind of machine'],
  [/no space left|disk quota/i, 'the machine has no room for it'],
  [/too ?many ?requests|rate ?limit/i, 'the registry has had too many requests from this machine'],
  [
    /unauthorized|authentication required|access denied|denied: |insufficient_scope|authorization failed/i,
    'the registry gives it to nobody without a login, or does not have it',
  ],
  [/manifest unknown|name unknown|repository does not exist|: not found/i, 'the registry does not have it'],
  [/invalid reference|invalid image|couldn't parse image/i, 'this is no name of an image'],
];

const unreachable = /no such host|lookup .* on |dial tcp|server misbehaving|temporary failure in name resolution/i;

/** Why an image could not be pulled, in words that the customer may read. */
export function pullErrorKind(words: string): Printable {
  // Resolvers also say "not found".
  const kind = unreachable.test(words) ? undefined : kinds.find(([pattern]) => pattern.test(words))?.[1];
  return sentence(kind ?? 'the machine did not get it from the registry');
}
