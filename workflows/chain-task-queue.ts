/** The task queue of activities that ask the chain, beside that of everything else. */
export function chainTaskQueue(taskQueue: string): string {
  return `${taskQueue}-chain`;
}
