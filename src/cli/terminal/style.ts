const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof codes;

/** Puts a style around a text, or does not, as the terminal and its person want it. */
export type Paint = (style: Style | undefined, text: string) => string;

/**
 * Whether to use colour: `--no-color` and `NO_COLOR` forbid it, `FORCE_COLOR` asks for it, and else a terminal that is
 * not `dumb` gets it.
 */
export function wantsColour(
  stream: { isTTY?: boolean | undefined },
  env: Record<string, string | undefined>,
  isForbidden: boolean,
): boolean {
  if (isForbidden || (env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return env['TERM'] !== 'dumb' && stream.isTTY === true;
}

export function painter(isColoured: boolean): Paint {
  return (style, text) => (style === undefined || !isColoured ? text : `\u001b[${codes[style]}m${text}\u001b[0m`);
}
