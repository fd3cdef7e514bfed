import { isScope, scopes, type Scope } from '../wire/scopes.js';
import { usage } from './failure.js';
import { clean } from '../words/clean.js';

/** The scopes that `--scopes` names. @throws Failure for a word that is none. */
export function readScopes(words: readonly string[]): Scope[] {
  const unknown = words.find((word) => !isScope(word));
  if (unknown !== undefined) throw usage(`--scopes: there is no "${clean(unknown)}"`, `there are ${scopes.join(', ')}`);
  return words as Scope[];
}
