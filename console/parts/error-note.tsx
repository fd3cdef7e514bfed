import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Button } from './button.js';
import type { ErrorNoteProps } from './error-note-props.js';
import { Untrusted } from './untrusted.js';

let details: ComponentType<ErrorNoteProps> | undefined;

/** Loads what most visits never need; the shell does it once the page is quiet, since it must be there without a network. */
export async function loadErrorDetails(): Promise<void> {
  details ??= (await import('./error-details.js')).ErrorDetails;
}

/** What failed, in words, with the id that an operator can look up, and a way on. */
export function ErrorNote(props: ErrorNoteProps) {
  const [, setLoaded] = useState(details !== undefined);
  useEffect(() => {
    if (details === undefined)
      loadErrorDetails().then(
        () => setLoaded(true),
        () => undefined,
      );
  }, []);
  if (details !== undefined) {
    const Details = details;
    return <Details {...props} />;
  }
  const { error, onRetry, children } = props;
  return (
    <div class="note tone-bad" role="alert">
      <p class="note-title">
        <Untrusted text={error.detail === '' ? 'That did not work' : error.detail} max={300} />
      </p>
      {children}
      {onRetry !== undefined && (
        <div class="row">
          <Button size="s" onClick={onRetry}>
            Try again
          </Button>
        </div>
      )}
    </div>
  );
}
