/** How often each operation answered with which status, by operationId. */
export type Answers = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Counts responses. */
export function createAnswers() {
  const answers = new Map<string, Map<number, number>>();
  return {
    answers: answers as Answers,
    count(operation: string, status: number): void {
      const counts = answers.get(operation) ?? new Map<number, number>();
      counts.set(status, (counts.get(status) ?? 0) + 1);
      answers.set(operation, counts);
    },
  };
}

const isSuccess = (status: number) => status >= 200 && status < 300;

/**
 * The defects of a run: each operation that never succeeded, so that the run says nothing about its handler, and each
 * excuse that is no longer true. The table of all responses comes with it.
 *
 * @param excused operations that cannot succeed, each with the reason.
 */
export function unreached(
  operations: readonly string[],
  answers: Answers,
  excused: Readonly<Record<string, string>> = {},
): string[] {
  const succeeded = (operation: string) => [...(answers.get(operation)?.keys() ?? [])].some(isSuccess);
  const faults = [
    ...operations.flatMap((operation) => {
      if (succeeded(operation) === (excused[operation] === undefined)) return [];
      return [
        succeeded(operation) ? `${operation} answers 2xx: it needs no excuse` : `${operation} never answered 2xx`,
      ];
    }),
    ...Object.keys(excused).flatMap((name) => (operations.includes(name) ? [] : [`${name} is excused and not there`])),
  ];
  return faults.length === 0 ? [] : [...faults, ...tableOf(operations, answers)];
}

/** A line for each operation: whether it was reached at all, and how far. */
export function tableOf(operations: readonly string[], answers: Answers): string[] {
  return operations.map((operation) => {
    const counts = [...(answers.get(operation) ?? [])].sort(([a], [b]) => a - b);
    const listed = counts.map(([status, count]) => `${status}×${count}`).join(' ');
    return `${operation}  ${listed === '' ? 'never asked' : listed}`;
  });
}
