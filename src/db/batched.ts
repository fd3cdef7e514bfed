/** Larger queries gain nothing. */
const keysAtOnce = 500;
/** More than one, so that a broken connection does not block all callers until the break is noticed. */
const questionsAtOnce = 4;

interface Question<Found> {
  keys: Set<string>;
  answer: Promise<Map<string, Found>>;
}

/**
 * Batches single lookups: keys that arrive while queries are running go into the next query. Nothing is cached, so a
 * revocation takes effect with the next request.
 *
 * @param find returns the rows it finds, by key.
 */
export function batched<Found>(
  find: (keys: readonly string[]) => Promise<Map<string, Found>>,
): (key: string) => Promise<Found | undefined> {
  let underWay = 0;
  const waiting: (Question<Found> & { begin: () => void })[] = [];

  async function ask(keys: Set<string>): Promise<Map<string, Found>> {
    underWay++;
    try {
      return await find([...keys]);
    } finally {
      underWay--;
      waiting.shift()?.begin();
    }
  }

  function later(): Question<Found> {
    const last = waiting.at(-1);
    if (last !== undefined && last.keys.size < keysAtOnce) return last;
    const keys = new Set<string>();
    const question = { keys, begin: () => undefined as void, answer: Promise.resolve(new Map<string, Found>()) };
    question.answer = new Promise<void>((resolve) => (question.begin = resolve)).then(() => ask(keys));
    waiting.push(question);
    return question;
  }

  return async (key) => {
    if (underWay < questionsAtOnce) return (await ask(new Set([key]))).get(key);
    const { keys, answer } = later();
    keys.add(key);
    return (await answer).get(key);
  };
}
