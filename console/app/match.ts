/** An address of the console, taken apart. */
export interface Match<R> {
  route: R;
  params: Record<string, string>;
}

/**
 * The route of a path below `/console`; a segment of a pattern that begins with `:` is any one segment.
 *
 * @param path without query, such as `/jobs/1f0…`; a slash at its end does not count.
 */
export function match<R extends { path: string }>(routes: readonly R[], path: string): Match<R> | undefined {
  const given = segmentsOf(path);
  for (const route of routes) {
    const wanted = segmentsOf(route.path);
    if (wanted.length !== given.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((segment, at) => {
      if (!segment.startsWith(':')) return segment === given[at];
      const value = decoded(given[at]!);
      if (value !== undefined) params[segment.slice(1)] = value;
      return value !== undefined;
    });
    if (fits) return { route, params };
  }
  return undefined;
}

/** One segment of an address, whatever the text holds: with a dot in it, the broker would look for a file. */
export function segment(text: string): string {
  return encodeURIComponent(text).replaceAll('.', '%2E');
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
