import ts from 'typescript';

export const parse = (file, source) => ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);

/**
 * The functions of a file, in order: those that run are noted by their number, and a mutant is tried on the test files
 * that ran the function it is in. What is outside of all functions runs with the import.
 */
export function functionsOf(sourceFile) {
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(sourceFile);
  return found;
}

/** The name under which it is noted that a function ran, or with -1, that a file was imported. */
export const placeOf = (file, index) => `${file}#${index}`;

/** The source with a note at the beginning of each function. */
export function noting(file, source) {
  const sourceFile = parse(file, source);
  const note = (index) => `globalThis.__reached?.add(${JSON.stringify(placeOf(file, index))})`;
  const inserts = functionsOf(sourceFile).flatMap(({ body }, index) =>
    ts.isBlock(body)
      ? [{ at: body.getStart() + 1, text: ` ${note(index)};` }]
      : [
          { at: body.getStart(), text: `(${note(index)}, ` },
          { at: body.getEnd(), text: ')' },
        ],
  );
  let text = source;
  // From the end, so that what is before stays where it is; of two at one place the inner one first.
  for (const { at, text: insert } of inserts
    .map((each, order) => ({ ...each, order }))
    .sort((a, b) => b.at - a.at || b.order - a.order))
    text = text.slice(0, at) + insert + text.slice(at);
  return `${text}\n;${note(-1)};\n`;
}
