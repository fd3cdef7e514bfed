import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { consoleBase } from '../live/index.js';
import { match } from './match.js';
import type { PageProps } from './router.js';
import { routes, type Route } from './routes.js';

/** By folder, put in by the build. */
declare const PAGE_STYLES: Record<string, string>;

export interface Shown {
  route: Route;
  params: Record<string, string>;
  page: ComponentType<PageProps>;
}

/** The page that is drawn; the one before it stays until the next one is loaded. */
export const shown = signal<Shown | 'missing' | 'failed' | undefined>(undefined);

let latest = 0;

/** Loads the page of a path with its style sheet, and shows it. */
export async function showPage(path: string): Promise<void> {
  const turn = ++latest;
  const found = match(routes, path);
  if (found === undefined) {
    shown.value = 'missing';
    return;
  }
  const { route, params } = found;
  try {
    const [loaded] = await Promise.all([route.load(), ...[route.folder, ...(route.also ?? [])].map(styleOf)]);
    if (turn === latest) shown.value = { route, params, page: loaded.default };
  } catch (error) {
    console.error(error);
    if (turn === latest) shown.value = 'failed';
  }
}

const styles = new Map<string, Promise<void>>();

async function styleOf(folder: string): Promise<void> {
  const name = PAGE_STYLES[folder];
  if (name === undefined) return;
  const { href } = new URL(name, consoleBase);
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return;
  const loading = styles.get(folder) ?? load(href);
  styles.set(folder, loading);
  await loading.catch((error: unknown) => {
    styles.delete(folder);
    throw error;
  });
}

async function load(href: string): Promise<void> {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  await new Promise((resolve, reject) => {
    link.addEventListener('load', resolve);
    link.addEventListener('error', () => reject(new Error('a style sheet cannot be loaded')));
    document.head.append(link);
  });
}
