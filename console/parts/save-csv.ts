import { broker } from '../live/index.js';

/**
 * Reads a table of the broker and gives it to the person as a file. A link could not: what it opens carries no
 * credential.
 *
 * @param path of the API.
 * @param name of the file, which is never a stranger's text.
 */
export async function saveCsv(path: string, query: Record<string, string>, name: string): Promise<void> {
  const { body } = await broker().request('GET', path, { query, headers: { accept: 'text/csv' } });
  const file = new Blob([String(body)], { type: 'text/csv;charset=utf-8' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
