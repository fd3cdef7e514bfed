import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { WorldLandError } from '../../src/client/index.js';
import { canAct, login } from '../live/index.js';
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
  /** What it is judged by is being read: a sentence that says so. Until then it cannot be done. */
  waitsFor?: string | undefined;
  /** What to do where it is not known whether it was done; without it, to look first. */
  ifUnknown?: string;
  wide?: boolean;
  /** What is done. The dialog closes once it is; a failure is shown in it, and nothing that was entered is lost. */
  run(): Promise<unknown>;
  onClose(): void;
  children: ComponentChildren;
}

/** Asks before something is done, says what it means, and stays open until it is done. Enter does it, Escape does not. */
export function ActionDialog(props: ActionDialogProps) {
  const { title, confirm, danger = false, disabled = false, waitsFor, ifUnknown = true, wide = false } = props;
  const { run, onClose, children } = props;
  const cannot = disabled || waitsFor !== undefined;
  const id = useId();
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<WorldLandError | string>();
  const isRunning = useRef(false);
  const opener = useRef(login.peek()?.wallet);
  const go = async () => {
    // Two clicks in a row come before the button is drawn anew.
    if (isRunning.current || cannot || !canAct.peek()) return;
    isRunning.current = true;
    setBusy(true);
    setFailure(undefined);
    try {
      requireSameWallet(opener.current);
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
            disabled={cannot || !canAct.value}
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
        {waitsFor !== undefined && (
          <p class="small soft" role="status">
            {waitsFor}
          </p>
        )}
        {failure instanceof WorldLandError && <ErrorNote error={failure} action={ifUnknown} />}
        {typeof failure === 'string' && (
          <p class="note tone-bad" role="alert">
            {failure}
          </p>
        )}
      </form>
    </Dialog>
  );
}

class StaleRefusal extends Error {
  override readonly name = 'StaleRefusal';
}

/** What was asked of one wallet is not done as another one. */
function requireSameWallet(opener: string | undefined): void {
  const now = login.peek()?.wallet;
  if (opener === undefined || now === undefined || now === opener) return;
  throw new StaleRefusal('You are connected with another wallet now. Nothing was sent: close this, and look again.');
}

/** Wallets and the page itself fail with a sentence for the person; anything else is a fault of the page. */
function sentenceOf(error: unknown): string {
  if (error instanceof Error && error.name.endsWith('Refusal')) return error.message;
  console.error(error);
  return 'Something went wrong in this page. Reload it and try again.';
}
