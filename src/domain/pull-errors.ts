import { sentence, type Printable } from './outside.js';

/**
 * What kinds of trouble with an image its customer is told. He chooses the host that is asked, and it is asked from inside
 * somebody's network: in the words of the kubelet he would read which of its machines and ports answer, and what. So all
 * the ways in which nobody answers as a registry does are one.
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

/** Why an image is not there, as its customer is told. */
export function pullErrorKind(words: string): Printable {
  // A resolver says "not found" as well.
  const kind = unreachable.test(words) ? undefined : kinds.find(([pattern]) => pattern.test(words))?.[1];
  return sentence(kind ?? 'the machine did not get it from the registry');
}
