/** Who may log in to one job at most, the keys of its order included. */
export const maxKeysOfAJob = 20;

/** Whether two lines are the same key; their comments say nothing. */
export function isSameSshKey(one: string, other: string): boolean {
  const keyOf = (line: string) => line.split(' ').slice(0, 2).join(' ');
  return keyOf(one) === keyOf(other);
}
