import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { consoleApp } from './console-app.js';
import { hashed, type Files } from './files.js';
import { styleSheet } from './style-sheet.js';

/** The console, and the page beside it that asks a browser wallet for a program, with its script in one file. */
export async function consoleFiles(): Promise<Files> {
  const image = hashed('assets/icon', '.svg', await readFile('console/icon.svg', 'utf8'));
  const [app, sign] = await Promise.all([consoleApp(image.name), signPage(image.name)]);
  return new Map([...app, ...sign, [`console/${image.name}`, image.text]]);
}

async function signPage(iconName: string): Promise<Files> {
  const { outputFiles } = await build({
    entryPoints: ['console/sign/main.ts'],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    legalComments: 'none',
  });
  const [style, page] = await Promise.all([
    styleSheet('assets/sign', ['console/styles/tokens.css', 'console/base.css', 'console/sign/sign.css']),
    readFile('console/sign/sign.html', 'utf8'),
  ]);
  const script = hashed('assets/sign', '.js', outputFiles[0]!.text);
  const html = page.replace('{{style}}', style.name).replace('{{script}}', script.name).replace('{{icon}}', iconName);
  return new Map([
    ['console/sign.html', html],
    ...[style, script].map(({ name, text }): [string, string] => [`console/${name}`, text]),
  ]);
}
