import type { Context } from '../context.js';
import { runChecks, type Finding } from '../doctor/checks.js';
import { exitCodes, type ExitCode } from '../failure.js';
import type { Style } from '../terminal/style.js';

const glyphs: Readonly<Record<Finding['state'], readonly [string, Style]>> = {
  good: ['✓', 'green'],
  note: ['!', 'yellow'],
  bad: ['✗', 'red'],
};

export async function run(context: Context): Promise<ExitCode> {
  const { screen, global } = context;
  const findings = await runChecks(context);
  const worst = findings.find(({ state }) => state === 'bad');
  const exitCode = worst === undefined ? exitCodes.done : worst.exitCode;
  if (global.json === true) {
    screen.json({ checks: findings.map(({ name, state, text, mend }) => ({ name, state, text, mend })) });
    return exitCode;
  }
  for (const { name, state, text, mend } of findings) {
    const [glyph, style] = glyphs[state];
    screen.paragraph(`${screen.paint(style, glyph)} ${name.padEnd(9)} ${text}`, '            ');
    if (mend !== undefined) screen.paragraph(`            ${mend}`, '            ');
  }
  return exitCode;
}
