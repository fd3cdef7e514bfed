import { toasts, dismiss } from '../live/toasts.js';

/** What has just happened; the region is there from the start, since screen readers watch only what they have seen. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, tone }) => (
        <div key={id} class={`toast toast-${tone}`}>
          <span>{text}</span>
          <button type="button" class="button bare s" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <span aria-hidden="true">✕</span>
          </button>
        </div>
      ))}
    </div>
  );
}
