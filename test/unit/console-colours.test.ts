import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';

const tokens = readFileSync(join(packageRoot, 'console/styles/tokens.css'), 'utf8');
const colours = new Map(
  [...tokens.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(([, name, light, dark]) => [
    name!,
    { light: light!, dark: dark! },
  ]),
);

type Theme = 'light' | 'dark';

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string, theme: Theme): number {
  const of = (name: string) => luminance(colours.get(name)?.[theme] ?? `no colour ${name}`);
  const [darker, lighter] = [of(one), of(other)].sort((a, b) => a - b);
  return (lighter! + 0.05) / (darker! + 0.05);
}

const surfaces = ['page', 'card', 'well', 'hover', 'chosen'];
const texts: [string, string[]][] = [
  ['ink', [...surfaces, 'good-well', 'busy-well', 'warn-well', 'bad-well', 'accent-well']],
  ['soft', [...surfaces, 'bad-well', 'warn-well']],
  ['accent', [...surfaces, 'accent-well']],
  ['good', ['page', 'card', 'well', 'good-well']],
  ['busy', ['page', 'card', 'well', 'busy-well']],
  ['warn', ['page', 'card', 'well', 'warn-well']],
  ['bad', ['page', 'card', 'well', 'hover', 'bad-well']],
  ['on-ink', ['ink']],
];

test.each(['light', 'dark'] as const)(
  'text of every colour is legible on what it stands on, in the %s theme',
  (theme) => {
    const weak = texts.flatMap(([text, grounds]) =>
      grounds
        .map((ground) => ({ text, ground, contrast: contrast(text, ground, theme) }))
        .filter((pair) => !(pair.contrast >= 4.5)),
    );
    expect(weak).toEqual([]);
  },
);

test.each(['light', 'dark'] as const)('what has to be seen without being read stands out, in the %s theme', (theme) => {
  const seen = surfaces.flatMap((ground) => [contrast('edge', ground, theme), contrast('accent', ground, theme)]);
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(3);
});

test('contrast is computed as it is defined, and every colour has both themes', () => {
  expect(colours.size).toBeGreaterThan(15);
  expect((luminance('#ffffff') + 0.05) / (luminance('#000000') + 0.05)).toBeCloseTo(21);
  expect((luminance('#ffffff') + 0.05) / (luminance('#777777') + 0.05)).toBeCloseTo(4.48, 2);
});
