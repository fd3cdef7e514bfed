/** In Unicode mode, a surrogate matches only when it is unpaired. */
const unstorable = /[\0\p{Surrogate}]/u;

/** Whether the database can hold a text. What it cannot hold, no argument of a process can, either. */
export function isStorableText(value: string): boolean {
  return !unstorable.test(value);
}
