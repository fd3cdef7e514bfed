import { test } from '@jest/globals';

interface Chapter {
  title: string;
  happens: () => void | Promise<void>;
}

/**
 * One test of several chapters, each of which goes on where the one before it ended: what takes minutes to set up is told
 * once, and no test depends on another. An error names its chapter.
 *
 * @param timeoutMs of all chapters together.
 * @returns what adds a chapter; they happen in the order in which they are added.
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
          if (error instanceof Error) error.message = `it ${title}:\n${error.message}`;
          throw error;
        }
      }
    },
    timeoutMs,
  );
  return (title, happens) => void chapters.push({ title, happens });
}
