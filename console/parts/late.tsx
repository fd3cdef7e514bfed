import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Skeleton } from './waiting.js';

interface LateProps<P> {
  load(): Promise<{ default: ComponentType<P> }>;
  with: P;
}

/** A part of a page that is loaded when it is first shown: for what only some brokers have. */
export function Late<P extends object>({ load, with: given }: LateProps<P>) {
  const [part, setPart] = useState<{ component: ComponentType<P> }>();
  const [isFailed, setFailed] = useState(false);
  useEffect(() => {
    load().then(
      ({ default: component }) => setPart({ component }),
      () => setFailed(true),
    );
  }, []);
  if (isFailed) return <p class="note tone-bad">This part could not be loaded. Load the page again.</p>;
  if (part === undefined) return <Skeleton lines={2} height={3} />;
  return <part.component {...given} />;
}
