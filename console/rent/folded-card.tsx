import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface FoldedCardProps {
  title: string;
  /** What is in it, while it is folded. */
  said: string;
  /** Something in it is set or wrong: it unfolds by itself, and folds by hand only. */
  isOpen: boolean;
  children: ComponentChildren;
}

/** A part of the form that most orders leave as it is. */
export function FoldedCard({ title, said, isOpen, children }: FoldedCardProps) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (box.current !== null && isOpen) box.current.open = true;
  }, [isOpen]);
  return (
    <details class="card more" ref={box}>
      <summary>
        <span class="more-title">{title}</span>
        <span class="soft small"> {said}</span>
      </summary>
      <div class="card-body stack">{children}</div>
    </details>
  );
}
