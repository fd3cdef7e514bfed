/** One small fault: `was` of `file`, from `start` to `end`, is `becomes` instead. */
export interface Mutant {
  file: string;
  /** Counted from 1. */
  line: number;
  start: number;
  end: number;
  was: string;
  becomes: string;
  /** What sort of fault it is. */
  kind: string;
  /** The function it is in, and -1 outside of all. */
  place: number;
  /** The lines it changes, as they were and as they are then, without the space around. */
  lineWas: string;
  lineBecomes: string;
}

/** Completes a mutant with what follows from its source. */
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

/** What a mutant is known by wherever its lines go. */
export const keyOf = ({ file, lineWas, lineBecomes }: Pick<Mutant, 'file' | 'lineWas' | 'lineBecomes'>): string =>
  `${file}\n${lineWas}\n${lineBecomes}`;
