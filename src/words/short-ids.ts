const minLetters = 4;

/**
 * The last letters of each id, four or as many as tell it from the others. The first letters of ids are those of their
 * time, and equal for all that was ordered within a minute.
 */
export function shortIds(ids: readonly string[]): Map<string, string> {
  const distinct = [...new Set(ids)];
  return new Map(
    distinct.map((id) => {
      let letters = minLetters;
      const isShared = () => distinct.some((other) => other !== id && other.endsWith(id.slice(-letters)));
      while (letters < id.length && isShared()) letters += 1;
      return [id, id.slice(-letters)];
    }),
  );
}

/** The ids that a word may mean: whole, or its last letters. */
export function idsMeant(word: string, ids: readonly string[]): string[] {
  const meant = word.toLowerCase();
  if (!/^[0-9a-f-]{4,36}$/.test(meant)) return [];
  return ids.filter((id) => id.toLowerCase().endsWith(meant));
}
