import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface DialogProps {
  title: ComponentChildren;
  /** Called by Escape, by the cross and by a click beside it, unless `busy`. Unmount the dialog then. */
  onClose(): void;
  /** Something is under way that closing would not stop: it stays open. */
  busy?: boolean;
  wide?: boolean;
  /** Buttons; the one that does it last. */
  footer?: ComponentChildren;
  children: ComponentChildren;
}

/** A native modal dialog, open while it is mounted. The focus goes back to where it was, or to the heading of the page. */
export function Dialog({ title, onClose, busy = false, wide = false, footer, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before the next key, which belongs to the dialog.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = box.current;
    dialog?.showModal();
    // The browser would choose the cross, which comes first.
    dialog
      ?.querySelector<HTMLElement>('.dialog-body :is(input:not([type=radio]), input:checked, select, textarea, button)')
      ?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      // What opened it may go with what was done, such as the button of a job that has ended.
      setTimeout(() => {
        if (document.activeElement === document.body)
          document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
      });
    };
  }, []);
  const close = () => {
    if (!busy) onClose();
  };
  return (
    <dialog
      ref={box}
      class={`dialog${wide ? ' wide' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => {
        if (event.target === box.current) close();
      }}
    >
      <div class="dialog-inner">
        <header class="dialog-head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="button bare s" aria-label="Close" disabled={busy} onClick={close}>
            <span aria-hidden="true">✕</span>
          </button>
        </header>
        <div class="dialog-body">{children}</div>
        {footer !== undefined && <footer class="dialog-foot">{footer}</footer>}
      </div>
    </dialog>
  );
}
