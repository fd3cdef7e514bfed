import { act, actAsOperator, broker } from '../live/index.js';
import { SaveButton } from './save-button.js';
import { saveFile } from './save-file.js';

export interface SaveCsvProps {
  /** Of the API. */
  path: string;
  query?: Record<string, string>;
  /** Of the file; never a stranger's text. */
  name: string;
  /** It is read with the operator's client. */
  as?: 'operator';
  /** What its rows are, where the table beside it shows others. */
  rows?: string | undefined;
}

/** A button that gives the whole table to the person as a file, in the broker's own figures. */
export function SaveCsv({ path, query = {}, name, as, rows }: SaveCsvProps) {
  const read = async (client: Pick<ReturnType<typeof broker>, 'request'>) =>
    await client.request('GET', path, { query, headers: { accept: 'text/csv' } });
  const save = async () => {
    const { body } = await (as === 'operator' ? actAsOperator(read) : act(() => read(broker())));
    saveFile(name, 'text/csv;charset=utf-8', String(body));
  };
  return (
    <SaveButton what="the table" save={save}>
      {rows === undefined ? 'Save as CSV' : `Save ${rows} as CSV`}
    </SaveButton>
  );
}
