import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../engines/paths.js';
import type { Mutant } from './mutant.js';
import { mutatedFolders } from './mutated-folders.js';

/**
 * Finds the mutants that compile: the others never reach the tests, so the run does not try them. The result is cached
 * until a source changes.
 */
export function createCompiler(): { taken(mutants: readonly Mutant[]): Mutant[] } {
  const sources = mutatedFolders.flatMap((folder) => ts.sys.readDirectory(join(packageRoot, folder), ['.ts']));
  const digest = createHash('sha256').update(sources.map((file) => readFileSync(file, 'utf8')).join('\n'));
  const folder = join(packageRoot, '.data/mutants');
  const kept = join(folder, `compiled-${digest.digest('hex').slice(0, 16)}.json`);
  const verdicts = new Map(existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as [string, boolean][]) : []);
  const nameOf = ({ file, start, end, becomes }: Mutant) => JSON.stringify([file, start, end, becomes]);
  return {
    taken(mutants) {
      const unknown = mutants.filter((mutant) => !verdicts.has(nameOf(mutant)));
      if (unknown.length > 0) {
        const refused = refusedByCompiler(unknown);
        for (const mutant of unknown) verdicts.set(nameOf(mutant), !refused.has(mutant));
        mkdirSync(folder, { recursive: true });
        writeFileSync(kept, JSON.stringify([...verdicts]));
      }
      return mutants.filter((mutant) => verdicts.get(nameOf(mutant)));
    },
  };
}

/**
 * Compiles mutants of different files together, because one costs as much as all. It checks only the mutated files: a
 * mutant that breaks another file counts as compiling.
 */
function refusedByCompiler(mutants: readonly Mutant[]): Set<Mutant> {
  const { config } = ts.readConfigFile(join(packageRoot, 'tsconfig.build.json'), (file) => ts.sys.readFile(file));
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, packageRoot);
  const texts = new Map<string, { text: string; version: number }>();
  const contentOf = (file: string) => {
    const known = texts.get(file) ?? { text: readFileSync(file, 'utf8'), version: 0 };
    texts.set(file, known);
    return known;
  };
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => ({ ...options, incremental: false, noEmit: true }),
    getScriptFileNames: () => fileNames,
    getScriptVersion: (file) => String(contentOf(file).version),
    getScriptSnapshot: (file) =>
      ts.sys.fileExists(file) ? ts.ScriptSnapshot.fromString(contentOf(file).text) : undefined,
    getCurrentDirectory: () => packageRoot,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (file) => ts.sys.fileExists(file),
    readFile: (file) => ts.sys.readFile(file),
    readDirectory: (...args) => ts.sys.readDirectory(...args),
    directoryExists: (folder) => ts.sys.directoryExists(folder),
    getDirectories: (folder) => ts.sys.getDirectories(folder),
  };
  const service = ts.createLanguageService(host);
  const changeBy = (path: string, change: (text: string) => string) => {
    const { text, version } = contentOf(path);
    texts.set(path, { text: change(text), version: version + 1 });
    return () => texts.set(path, { text, version: version + 2 });
  };
  const refused = new Set<Mutant>();
  for (const round of roundsOf(mutants)) {
    const undo = round.map(({ file, start, end, becomes }) =>
      changeBy(join(packageRoot, file), (text) => text.slice(0, start) + becomes + text.slice(end)),
    );
    for (const mutant of round) {
      const path = join(packageRoot, mutant.file);
      const errors = [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)];
      if (errors.length > 0) refused.add(mutant);
    }
    for (const back of undo) back();
  }
  service.dispose();
  return refused;
}

/** Divides mutants into rounds with at most one mutant of each file. */
function roundsOf(mutants: readonly Mutant[]): Mutant[][] {
  const counts = new Map<string, number>();
  const rounds: Mutant[][] = [];
  for (const mutant of mutants) {
    const nth = counts.get(mutant.file) ?? 0;
    counts.set(mutant.file, nth + 1);
    (rounds[nth] ??= []).push(mutant);
  }
  return rounds;
}
