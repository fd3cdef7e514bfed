import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { WorldLandError } from '../../src/client/index.js';
import { canAct } from '../live/index.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { ErrorNote } from './error-note.js';

interface ActionDialogProps {
  title: ComponentChildren;
  /** What stands on the button that does it: a verb. */
  confirm: string;
  /** It takes something away. */
  danger?: boolean;
  /** Something that is needed is missing still. */
  disabled?: boolean;
  wide?: boolean;
  /** What is done. The dialog closes once it is; a failure is shown in it, and nothing that was entered is lost. */
  run(): Promise<unknown>;
  onClose(): void;
  children: ComponentChildren;
}

/** Asks before something is done, says what it means, and stays open until it is done. Enter does it, Escape does not. */
export function ActionDialog(props: ActionDialogProps) {
  const { title, confirm, danger = false, disabled = false, wide = false, run, onClose, children } = props;
  const id = useId();
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<WorldLandError | string>();
  const isRunning = useRef(false);
  const go = async () => {
    // Two clicks in a row come before the button is drawn anew.
    if (isRunning.current || disabled || !canAct.peek()) return;
    isRunning.current = true;
    setBusy(true);
    setFailure(undefined);
    try {
      await run();
      onClose();
    } catch (error) {
      setFailure(error instanceof WorldLandError ? error : sentenceOf(error));
      setBusy(false);
    } finally {
      isRunning.current = false;
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      busy={isBusy}
      wide={wide}
      footer={
        <>
          <Button onClick={onClose} disabled={isBusy}>
            Cancel
          </Button>
          <Button
            type="submit"
            form={id}
            kind={danger ? 'danger' : 'main'}
            busy={isBusy}
            disabled={disabled || !canAct.value}
          >
            {confirm}
          </Button>
        </>
      }
    >
      <form
        id={id}
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        {children}
        {failure instanceof WorldLandError && <ErrorNote error={failure} />}
        {typeof failure === 'string' && (
          <p class="note tone-bad" role="alert">
            {failure}
          </p>
        )}
      </form>
    </Dialog>
  );
}

/** Wallets and the page itself fail with a sentence for the person; anything else is a fault of the page. */
function sentenceOf(error: unknown): string {
  if (error instanceof Error && error.name.endsWith('Refusal')) return error.message;
  console.error(error);
  return 'Something went wrong in this page. Reload it and try again.';
}
