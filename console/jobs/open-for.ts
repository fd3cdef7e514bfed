/** A dialog that is open for one of the jobs. */
export interface OpenFor {
  kind: 'end' | 'rename' | 'until';
  id: string;
}
