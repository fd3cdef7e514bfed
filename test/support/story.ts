import { test } from '@jest/globals';

interface Chapter {
  title: string;
  happens: () => void | Promise<void>;
}

/**
 * One test of several chapters, each of which continues where the previous one ended: a setup that takes minutes runs
 * once, and no test depends on another. An error names its chapter.
 *
 * @param timeoutMs for all chapters together.
 * @returns a function that adds a chapter; chapters run in the order in which they are added.
 */
export function story(name: string, timeoutMs: number): (title: string, happens: Chapter['happens']) => void {
  const chapters: Chapter[] = [];
  test(
    name,
    async () => {
      for (const { title, happens } of chapters) {
        try {
          await happens();
        } catch (error) {
          if (error instanceof Error) error.message = `${title}:\n${error.message}`;
          throw error;
        }
      }
    },
    timeoutMs,
  );
  return (title, happens) => void chapters.push({ title, happens });
}
