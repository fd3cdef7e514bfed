import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { toast } from '../live/toasts.js';
import { Button } from './button.js';

interface CopyProps {
  /** What is copied. */
  text: string;
  /** What it is, for who hears it: `the SSH command`. */
  what: string;
  /** What stands on the button. Default: Copy. */
  children?: ComponentChildren;
}

const confirmedMs = 2_000;

/** Copies a text, and says so. */
export function Copy({ text, what, children = 'Copy' }: CopyProps) {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return undefined;
    const timer = setTimeout(() => setDone(false), confirmedMs);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async () => {
    if (await copied(text)) setDone(true);
    else toast(`This browser does not let the page copy ${what}. Select it, and copy it by hand.`, 'bad');
  };
  return (
    <Button size="s" class="copy" onClick={() => void copy()}>
      <span aria-hidden="true">{isDone ? '✓ Copied' : children}</span>
      <span class="hidden-text">{`Copy ${what}`}</span>
      <span class="hidden-text" aria-live="polite">
        {isDone ? 'Copied' : ''}
      </span>
    </Button>
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that came over plain http have no clipboard but this one.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'hidden-text';
    document.body.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    return isDone;
  }
}

/** A line to type elsewhere, with a button that copies it. */
export function CommandLine({ text, what }: { text: string; what: string }) {
  return (
    <div class="command">
      <code dir="ltr">{text}</code>
      <Copy text={text} what={what} />
    </div>
  );
}
