import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.js';
import { errorHelp } from '../../src/wire/error-help.js';

const program = createProgram(async () => undefined);

/** What is wrong with a command line that a text names; undefined if `wl` has such a command with such flags. */
function wrongWith(line: string): string | undefined {
  const words = line.split(/\s+/).slice(1);
  let command: Command = program;
  for (const word of words) {
    const below: Command | undefined = command.commands.find((each) => each.name() === word);
    if (below === undefined) break;
    command = below;
  }
  const known = [...program.options, ...command.options].flatMap(({ short, long }) => [short, long]);
  const unknown = words.filter((word) => word.startsWith('-') && !known.includes(word));
  if (command === program && words[0] !== 'help') return `${line}: no such command`;
  return unknown.length === 0 ? undefined : `${line}: no ${unknown.join(', ')}`;
}

test('every command of wl that a help text of an error, the quick start or the page for wallets names is one', () => {
  const help = Object.values(errorHelp).flatMap(({ means, todo }) => [means, ...todo]);
  const named = [
    ...help.flatMap((text) => [...text.matchAll(/`(wl [^`]+)`/g)]),
    ...readFileSync('docs/quickstart.md', 'utf8').matchAll(/(?:`|^|\$\()(wl [^`\n)]+)/gm),
    ...readFileSync('docs/security.md', 'utf8').matchAll(/`(wl [^`]+)`/g),
    ...readFileSync('console/sign/sign.html', 'utf8').matchAll(/<code>(wl [^<]+)<\/code>/g),
  ].map(([, line]) => line!.replace(/\s+/g, ' '));
  expect(named.length).toBeGreaterThan(20);
  expect(named.map(wrongWith).filter((wrong) => wrong !== undefined)).toEqual([]);
  expect(wrongWith('wl nonsense')).toBeDefined();
  expect(wrongWith('wl login --nonsense')).toBeDefined();
});
