import type { ComponentChildren } from 'preact';
import { href, navigate } from './router.js';

export interface LinkProps {
  /** A path below `/console`, such as `/jobs`. Never a stranger's text, other than through `segment()`. */
  to: string;
  class?: string;
  title?: string;
  id?: string;
  'aria-label'?: string;
  'aria-current'?: 'page' | undefined;
  children?: ComponentChildren;
}

/** A link within the console: a click goes there without loading anew; with a key held it does what links do. */
export function Link({ to, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={href(to)} onClick={follow} />;
}
