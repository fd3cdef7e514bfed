import { signal } from '@preact/signals';

export interface Toast {
  id: number;
  text: string;
  tone: 'good' | 'bad' | 'plain';
}

/** What has just happened, in a sentence; shown for a while, and read out by screen readers. */
export const toasts = signal<readonly Toast[]>([]);

const shownMs = 6_000;
let lastId = 0;

/** Says that something is done: `toast('The job has ended.')`. Errors that need an answer belong into the page. */
export function toast(text: string, tone: Toast['tone'] = 'plain'): void {
  const id = ++lastId;
  toasts.value = [...toasts.value.slice(-2), { id, text, tone }];
  setTimeout(() => dismiss(id), shownMs);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}
