import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { hashed, type Files } from './files.js';

/** The page that asks a browser wallet, with its script in one file. */
export async function consoleFiles(): Promise<Files> {
  const { outputFiles } = await build({
    entryPoints: ['console/sign/main.ts'],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    legalComments: 'none',
  });
  const [base, own, icon, page] = await Promise.all(
    ['console/base.css', 'console/sign/sign.css', 'console/icon.svg', 'console/sign/sign.html'].map(
      async (file) => await readFile(file, 'utf8'),
    ),
  );
  const style = hashed('assets/sign', '.css', base! + own!);
  const script = hashed('assets/sign', '.js', outputFiles[0]!.text);
  const image = hashed('assets/icon', '.svg', icon!);
  const html = page!
    .replace('{{style}}', style.name)
    .replace('{{script}}', script.name)
    .replace('{{icon}}', image.name);
  return new Map([
    ['console/sign.html', html],
    ...[style, script, image].map(({ name, text }): [string, string] => [`console/${name}`, text]),
  ]);
}
