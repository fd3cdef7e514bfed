/** One event of a stream of server-sent events. */
export interface StreamedEvent {
  id: string;
  event: string;
  data: string;
}

/** Far more than any event of a broker. */
const maxEventChars = 1024 * 1024;

/**
 * Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) from pieces of their text.
 *
 * @returns the events that a piece completes.
 * @throws RangeError if an event does not end.
 */
export function createEventReader(): (piece: string) => StreamedEvent[] {
  let rest = '';
  let id = '';
  let event = '';
  let data: string[] = [];
  let isFirst = true;
  return (piece) => {
    const found: StreamedEvent[] = [];
    rest += isFirst ? piece.replace(/^\uFEFF/, '') : piece;
    isFirst &&= piece === '';
    // A line break at the very end may be the first half of CR LF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    if (rest.length + data.join('').length > maxEventChars) throw new RangeError('an event is too long');
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) found.push({ id, event: event === '' ? 'message' : event, data: data.join('\n') });
        event = '';
        data = [];
        continue;
      }
      const [name, value] = fieldOf(line);
      if (name === 'data') data.push(value);
      else if (name === 'event') event = value;
      else if (name === 'id' && !value.includes('\0')) id = value;
    }
    return found;
  };
}

/** A comment has the empty name. */
function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}
