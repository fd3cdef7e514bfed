import type { Metafile, Plugin } from 'esbuild';

const unused = 'not-in-the-client';

/**
 * viem loads a few of its parts when they are asked for, and a bundler keeps each of them, with all that they need,
 * although nothing in the client leads to them. That is half of what a login would load.
 */
export const withoutLazyParts: Plugin = {
  name: 'without-lazy-parts-of-viem',
  setup: ({ onResolve }) =>
    onResolve({ filter: /./ }, ({ kind, importer }) =>
      kind === 'dynamic-import' && importer.includes('/node_modules/viem/')
        ? { path: unused, external: true }
        : undefined,
    ),
};

/** @throws Error if a file of the build leads to what was left out. */
export function requireNothingLeftOut({ outputs }: Metafile): void {
  const needs = Object.entries(outputs).filter(([, { imports }]) => imports.some(({ path }) => path === unused));
  if (needs.length > 0)
    throw new Error(`what was left out of viem is needed by ${needs.map(([file]) => file).join(', ')}`);
}
