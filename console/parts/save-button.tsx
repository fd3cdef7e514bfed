import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { WorldLandError } from '../../src/client/index.js';
import { canAct, toast } from '../live/index.js';
import { Button } from './button.js';
import { failureInWords } from './failures.js';

interface SaveButtonProps {
  /** What is saved, for when it was not: `the table`. */
  what: string;
  /** Reads it and gives it to the person as a file. */
  save(): Promise<void>;
  children: ComponentChildren;
}

/** A button that saves something as a file; a link could not, since what it opens carries no credential. */
export function SaveButton({ what, save, children }: SaveButtonProps) {
  const [isBusy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await save();
    } catch (error) {
      const why = error instanceof WorldLandError ? failureInWords(error).title : 'this page failed';
      toast(`${what[0]!.toUpperCase()}${what.slice(1)} was not saved: ${why}.`, 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button size="s" busy={isBusy} disabled={!canAct.value} onClick={() => void run()}>
      {children}
    </Button>
  );
}
