import { Fragment, type ComponentChildren } from 'preact';
import { reach } from '../live/reach.js';
import { endsLogin } from '../live/ends.js';
import { isLost } from '../live/who.js';
import type { Loaded as LoadedResource } from '../live/use-resource.js';
import { ErrorNote } from './error-note.js';
import { Age } from './time.js';
import { Skeleton } from './waiting.js';

interface LoadedProps<T> {
  of: LoadedResource<T>;
  /** What is shown until the first reading is there. */
  skeleton?: ComponentChildren;
  children(data: T): ComponentChildren;
}

/**
 * What was read, in each of its states: a skeleton at first, an error in its place, and where a later reading failed
 * the error above what was read before, greyed, with its age.
 */
export function Loaded<T>({ of, skeleton = <Skeleton />, children }: LoadedProps<T>) {
  const { data, error, nextAtMs, reload } = of;
  const note = error !== undefined && <ErrorNote error={error} nextAtMs={nextAtMs} onRetry={reload} />;
  if (data === undefined) return <>{note === false ? skeleton : note}</>;
  // The banner above all pages says these once.
  const isSaid = note === false || (endsLogin(error) ? isLost.value : reach.value !== 'there');
  // One structure for both: what is below keeps its state, such as a form, when a reading fails and when it is over.
  return (
    <>
      {!isSaid && note}
      <div class={note === false ? 'is-current' : 'is-old'}>
        {note !== false && <Age of={of} />}
        <Fragment key="data">{children(data)}</Fragment>
      </div>
    </>
  );
}
