/** One small fault: `becomes` replaces `was` in `file`, from `start` to `end`. */
export interface Mutant {
  file: string;
  /** Counted from 1. */
  line: number;
  start: number;
  end: number;
  was: string;
  becomes: string;
  /** The kind of fault. */
  kind: string;
  /** The number of its function; -1 outside of all functions. */
  place: number;
  /** The changed lines, before and after, without surrounding space. */
  lineWas: string;
  lineBecomes: string;
}

/** Completes a mutant with the properties that follow from its source. */
export function mutantOf(
  { file, source, places }: { file: string; source: string; places: readonly { start: number; end: number }[] },
  { start, end, becomes, kind }: Pick<Mutant, 'start' | 'end' | 'becomes' | 'kind'>,
): Mutant {
  const from = source.lastIndexOf('\n', start - 1) + 1;
  const next = source.indexOf('\n', end);
  const to = next === -1 ? source.length : next;
  return {
    file,
    line: source.slice(0, start).split('\n').length,
    start,
    end,
    was: source.slice(start, end),
    becomes,
    kind,
    // The innermost: it begins last.
    place: places.findLastIndex((place) => place.start <= start && end <= place.end),
    lineWas: squeezed(source.slice(from, to)),
    lineBecomes: squeezed(source.slice(from, start) + becomes + source.slice(end, to)),
  };
}

export const squeezed = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Identifies a mutant even if its lines move. */
export const keyOf = ({ file, lineWas, lineBecomes }: Pick<Mutant, 'file' | 'lineWas' | 'lineBecomes'>): string =>
  `${file}\n${lineWas}\n${lineBecomes}`;
