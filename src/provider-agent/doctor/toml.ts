/** Values by their full name, such as `plugins.cri.runc.options.SystemdCgroup`. */
export type TomlValues = ReadonlyMap<string, string | boolean | string[]>;

/**
 * Reads strings, booleans and lists of strings from a TOML file, which is all that the settings of a container runtime
 * need. Whatever else a file has is skipped, so that a file that is not TOML has no values.
 */
export function tomlValues(text: string): TomlValues {
  const found = new Map<string, string | boolean | string[]>();
  let table = '';
  const lines = text.split('\n').map((line) => line.trim());
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const header = /^\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line)?.[1];
    if (header !== undefined) {
      table = `${withoutQuotes(header)}.`;
      continue;
    }
    const assignment = /^([\w"'.-]+)\s*=\s*(.*)$/.exec(line);
    if (assignment === null) continue;
    let written = assignment[2]!;
    // A list may go on over several lines.
    while (written.startsWith('[') && !written.includes(']') && at + 1 < lines.length) written += lines[++at]!;
    const value = valueOf(written);
    if (value !== undefined) found.set(table + withoutQuotes(assignment[1]!), value);
  }
  return found;
}

function valueOf(written: string): string | boolean | string[] | undefined {
  const flag = /^(true|false)\s*(?:#.*)?$/.exec(written)?.[1];
  if (flag !== undefined) return flag === 'true';
  if (written.startsWith('[')) return [...written.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, a, b]) => a ?? b ?? '');
  const quoted = /^(?:"([^"]*)"|'([^']*)')/.exec(written);
  return quoted === null ? undefined : (quoted[1] ?? quoted[2] ?? '');
}

function withoutQuotes(name: string): string {
  return name.replaceAll(/["'\s]/g, '');
}
