import { useState } from 'preact/hooks';
import { WorldLandError } from '../../src/client/index.js';
import { act, broker, canAct, toast } from '../live/index.js';
import { Button, failureInWords } from './index.js';

export interface SaveCsvProps {
  /** Of the API. */
  path: string;
  query: Record<string, string>;
  /** Of the file; never a stranger's text. */
  name: string;
}

/** A button that gives the whole table to the person as a file, in the broker's own figures. */
export function SaveCsv(table: SaveCsvProps) {
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      await act(() => saveCsv(table));
    } catch (error) {
      const why = error instanceof WorldLandError ? failureInWords(error).title : 'this page failed';
      toast(`The table was not saved: ${why}.`, 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button size="s" busy={isBusy} disabled={!canAct.value} onClick={() => void save()}>
      Save as CSV
    </Button>
  );
}

/** A link could not: what it opens carries no credential. */
async function saveCsv({ path, query, name }: SaveCsvProps): Promise<void> {
  const { body } = await broker().request('GET', path, { query, headers: { accept: 'text/csv' } });
  const file = new Blob([String(body)], { type: 'text/csv;charset=utf-8' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
