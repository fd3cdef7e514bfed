import type { ComponentChildren } from 'preact';
import { Link } from '../app/link.js';
import { CopyIcon } from '../parts/copy-icon.js';
import { Button, shortAddress, Untrusted } from '../parts/index.js';
import { ShowMore } from '../parts/show-more.js';
import type { Paged } from './as-operator.js';
import { webAddress } from './stuck-words.js';

export type View = 'now' | 'jobs' | 'machines' | 'money' | 'settlements' | 'receipts' | 'letters' | 'audit' | 'blocks';

/** An address of this page: a view, and what it is narrowed to. */
export function viewTo(view: View, members: Record<string, string> = {}): string {
  const query = new URLSearchParams({ ...(view === 'now' ? {} : { view }), ...members }).toString();
  return `/operator${query === '' ? '' : `?${query}`}`;
}

/** A wallet in short, with a button that copies all of it, and its jobs behind it. */
export function Wallet({ address }: { address: string }) {
  const isWallet = /^0x[0-9a-fA-F]{40}$/.test(address);
  if (!isWallet) return <span class="soft">–</span>;
  return (
    <span class="with-copy">
      <Link to={viewTo('jobs', { wallet: address, status: 'all' })} title={address} class="mono">
        {shortAddress(address)}
      </Link>
      <CopyIcon text={address} what="the wallet" />
    </span>
  );
}

/** A link to the page of a workflow, if what the API gave is an address of the web. */
export function WorkflowLink({ url }: { url: unknown }) {
  const address = webAddress(url);
  if (address === undefined) return null;
  return (
    <a class="button quiet s" href={address} target="_blank" rel="noopener noreferrer">
      <span class="button-words">Temporal ↗</span>
      <span class="hidden-text"> opens in a new tab</span>
    </a>
  );
}

/** Where a job is, as far as it is anywhere. */
export function ProviderLink({ id }: { id: string | undefined }) {
  if (id === undefined) return <span class="soft">none yet</span>;
  return (
    <Link to={viewTo('machines', { q: id })}>
      <Untrusted text={id} max={32} />
    </Link>
  );
}

/** Reads the next page of a list. */
export function More<T>({ of: { more, isReading } }: { of: Paged<T> }) {
  if (more === undefined) return null;
  return <ShowMore busy={isReading} onClick={more} />;
}

interface FiltersProps {
  children: ComponentChildren;
  /** Without it, each field narrows the list as it is typed. */
  onApply?: (() => void) | undefined;
  onClear?: (() => void) | undefined;
}

/** Fields that narrow a list; Enter applies them. */
export function Filters({ children, onApply, onClear }: FiltersProps) {
  return (
    <form
      class="operator-filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onApply?.();
      }}
    >
      {children}
      <div class="row filters-buttons">
        {onApply !== undefined && <Button type="submit">Apply</Button>}
        {onClear !== undefined && (
          <Button kind="bare" onClick={onClear}>
            Clear
          </Button>
        )}
      </div>
    </form>
  );
}
