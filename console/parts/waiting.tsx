import type { ComponentChildren } from 'preact';

/** Where something is loaded for the first time: as large as what comes, so that nothing jumps. */
export function Skeleton({ lines = 3, height }: { lines?: number; /** In rem, of each line. */ height?: number }) {
  return (
    <div class="skeleton" aria-busy="true">
      <span class="hidden-text">Loading</span>
      {Array.from({ length: lines }, (_, at) => (
        <span key={at} aria-hidden="true" style={height === undefined ? undefined : { height: `${height}rem` }} />
      ))}
    </div>
  );
}

interface EmptyProps {
  title: ComponentChildren;
  /** What to do about it, as a button or a link. */
  action?: ComponentChildren;
  children?: ComponentChildren;
}

/** Nothing is there yet: says what would be, and what to do. */
export function Empty({ title, action, children }: EmptyProps) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="soft">{children}</div>}
      {action !== undefined && <div class="row">{action}</div>}
    </div>
  );
}
