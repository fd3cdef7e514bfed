import { useState } from 'preact/hooks';
import { WorldLandError } from '../../src/client/index.js';
import { act, canAct, toast } from '../live/index.js';
import { saveCsv } from '../parts/save-csv.js';
import { Button, failureInWords } from '../parts/index.js';
import { billRange, type DayRange } from './range.js';
import type { BillBy } from './read-bill.js';

/** Gives the whole table to the person as a file, in the broker's own figures. */
export function SaveCsv({ by, range }: { by: BillBy; range: DayRange }) {
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const name = `cost-by-${by}-${range.from}-${range.to}.csv`;
      await act(() => saveCsv('/api/v1/billing', { by, ...billRange(range) }, name));
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
