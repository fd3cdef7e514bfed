import { Copy } from './copy.js';

/** A small button beside what it copies, where there is no room for a word. */
export function CopyIcon({ text, what }: { text: string; what: string }) {
  return (
    <span class="copy-icon">
      <Copy text={text} what={what}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <rect x="5.5" y="5.5" width="8" height="9" rx="1.5" />
          <path d="M10.5 5.5v-2a1.5 1.5 0 0 0-1.5-1.5h-5a1.5 1.5 0 0 0-1.5 1.5v6a1.5 1.5 0 0 0 1.5 1.5h1.5" />
        </svg>
      </Copy>
    </span>
  );
}
