import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Card } from '../parts/index.js';

interface PartProps {
  title: string;
  /** How many there are; undefined until that is known. */
  count: number | undefined;
  aside?: ComponentChildren;
  children: ComponentChildren;
}

/** Where tables are cards, as in the sheet of tables. */
const narrow = '(max-width: 40rem)';

/** One list of the account. On a narrow screen all of them would be a long way: there they are folded. */
export function Part({ title, count, aside, children }: PartProps) {
  const isNarrow = useMatch(narrow);
  if (!isNarrow)
    return (
      <Card title={title} aside={aside} flush>
        {children}
      </Card>
    );
  return (
    <details class="card account-part">
      <summary>
        <h2>{title}</h2>
        {count !== undefined && <span class="num soft">{count}</span>}
      </summary>
      {aside !== undefined && aside !== false && <div class="row account-part-aside">{aside}</div>}
      {children}
    </details>
  );
}

/** Whether the window fits a query, now and whenever that changes. */
function useMatch(query: string): boolean {
  const [isMatch, setMatch] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const follow = () => setMatch(list.matches);
    list.addEventListener('change', follow);
    follow();
    return () => list.removeEventListener('change', follow);
  }, [query]);
  return isMatch;
}
