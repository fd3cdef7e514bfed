import { parseArgs, type ParseArgsConfig } from 'node:util';

/**
 * Reads the arguments of a program. On `--help` it prints the usage, and on a wrong argument what is wrong as well; then the
 * program ends.
 */
export function argumentsOf<T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.slice(2).some((word) => /^(?:-h|--help)$/.test(word))) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return endWith(usage, (error as Error).message);
  }
}

/** The whole numbers that options have, by name. Ends the program, with the usage, where one has none. */
export function wholeNumbers<N extends string>(
  usage: string,
  values: Readonly<Record<string, unknown>>,
  names: readonly N[],
): Record<N, number> {
  const read = names.map((name): [N, number] => {
    const text = String(values[name]);
    return [name, /^\d{1,12}$/.test(text) ? Number(text) : endWith(usage, `--${name} ${text}: give a whole number`)];
  });
  return Object.fromEntries(read) as Record<N, number>;
}

/** Ends the program, as whoever called it wrongly has to know: what is wrong, and the usage. */
export function endWith(usage: string, wrong: string): never {
  console.error(`✗ ${wrong}\n\n${usage}`);
  process.exit(2);
}
