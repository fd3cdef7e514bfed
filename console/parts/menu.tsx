import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface MenuItem {
  key: string;
  label: ComponentChildren;
  danger?: boolean;
  disabled?: boolean;
  act(): void;
}

interface MenuProps {
  /** What stands on the button. */
  label: ComponentChildren;
  /** What is read out, if the label is a glyph. */
  name?: string;
  items: readonly MenuItem[];
  disabled?: boolean;
  size?: 'm' | 's';
}

/** A button with things to do under it. Arrow keys move, Escape closes and gives the focus back. */
export function Menu({ label, name, items, disabled, size = 'm' }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const entries = () => [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]:not(:disabled)') ?? [])];
  // Before the next key: an effect that waits for a frame would take the focus from a menu that Escape has closed.
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    entries()[0]?.focus();
    const outside = (event: Event) => {
      if (event.target instanceof Node && root.current?.contains(event.target) !== true) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return;
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined) all[next % all.length]?.focus();
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
  };
  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        class={`button quiet ${size}`}
        ref={button}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={name}
        disabled={disabled}
        onClick={() => setOpen(!isOpen)}
      >
        <span class="button-words">{label}</span>
        <span class="caret" aria-hidden="true" />
      </button>
      {isOpen && (
        <div class="menu-items" role="menu" id={id}>
          {items.map((item) => (
            <button
              key={item.key}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={item.danger === true ? 'danger' : ''}
              disabled={item.disabled}
              onClick={() => {
                close();
                item.act();
              }}
            >
              {item.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
