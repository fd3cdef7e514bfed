import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask, toast, type Ask } from '../live/index.js';

type Dialog = ComponentType<{ question: Ask }>;

/** The dialogs that ask a wallet; their script is loaded when the first one opens. */
export function Asks() {
  const [dialog, setDialog] = useState<{ component: Dialog }>();
  const question = ask.value;
  useEffect(() => {
    if (question === undefined || dialog !== undefined) return;
    import('../connect/connect-dialog.js').then(
      ({ default: component }) => setDialog({ component }),
      () => {
        question.settle(false);
        toast('The part that asks wallets could not be loaded. Check your connection, then try again.', 'bad');
      },
    );
  }, [question, dialog]);
  if (question === undefined || dialog === undefined) return null;
  return <dialog.component key={question.number} question={question} />;
}
