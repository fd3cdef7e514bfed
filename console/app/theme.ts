import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

/** With the choice of columns the only thing that outlives the tab: it says nothing about who was here. */
const key = 'worldland-theme';

export const theme = signal<Theme>('system');

export function startTheme(): void {
  const kept = read();
  if (kept === 'light' || kept === 'dark') setTheme(kept);
}

export function setTheme(to: Theme): void {
  theme.value = to;
  const { documentElement: root } = document;
  if (to === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = to;
  try {
    if (to === 'system') localStorage.removeItem(key);
    else localStorage.setItem(key, to);
  } catch {
    // Where nothing may be stored, the choice lasts as long as the page.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
