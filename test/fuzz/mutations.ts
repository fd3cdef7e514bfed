import { encodeCursor } from '../../src/db/cursor.js';
import { hostileCursors, hostileJson, hostileTexts } from '../support/hostile-values.js';
import type { Random } from '../support/random.js';

/** Characters that may break a parser: halves of surrogate pairs, NUL, and characters without width. */
const strange = [
  '\0',
  '\n',
  '\r',
  '\u001b',
  '\u007f',
  '\u0085',
  '\u00ad',
  '\u200b',
  '\u202e',
  '\ud800',
  '\udfff',
  '\ufeff',
].concat([
  '\u{e0041}',
  '\u{1f680}',
  '%',
  "'",
  '"',
  '\\',
  '/',
  '..',
  '<',
  '{',
  '[',
  ',',
  ':',
  '-',
  '+',
  'e',
  '0',
  '9'.repeat(30),
]);

/** Changes valid values slightly, so that most results are almost valid. */
export function createMutations(random: Random) {
  const chance = (of: number) => random.next() < of;

  /** Text with something inserted, removed, doubled or reversed somewhere. */
  function text(good: string): string {
    const at = random.whole(0, good.length);
    const [before, after] = [good.slice(0, at), good.slice(at)];
    switch (random.whole(0, 7)) {
      case 0:
        return before + random.pick(strange) + after;
      case 1:
        return before + after.slice(random.whole(1, 4));
      case 2:
        return before;
      case 3:
        return good.repeat(random.whole(2, 40)).slice(0, 70_000);
      case 4:
        return random.pick(hostileTexts);
      case 5:
        return before + String.fromCharCode(random.whole(0, 0xffff)) + after;
      case 6:
        return good.toUpperCase() === good ? good.toLowerCase() : good.toUpperCase();
      default:
        return [...before].reverse().join('') + after;
    }
  }

  /** The places in a value, each as its path. */
  function places(value: unknown, path: string[] = []): string[][] {
    if (typeof value !== 'object' || value === null) return [path];
    return [path, ...Object.entries(value).flatMap(([name, inner]) => places(inner, [...path, name]))];
  }

  /** JSON text of a value with one place changed, possibly to something that no serialiser writes. */
  function json(good: unknown): string {
    const marker = '@@here@@';
    const path = random.pick(places(good));
    const there = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], good);
    const put = (value: unknown, [name, ...rest]: string[]): unknown => {
      if (name === undefined) return marker;
      const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
        string,
        unknown
      >;
      if (rest.length === 0 && chance(0.1)) delete copy[name];
      // In an array, another name may be an index after a thousand million empty places.
      else if (rest.length === 0 && !Array.isArray(copy) && chance(0.1)) {
        // In JSON, `__proto__` is an ordinary name.
        Object.defineProperty(copy, text(name), { value: copy[name], enumerable: true });
      } else copy[name] = put(copy[name], rest);
      return copy;
    };
    const by =
      typeof there === 'string' && chance(0.5)
        ? JSON.stringify(text(there))
        : typeof there === 'number' && chance(0.5)
          ? String(there * random.pick([-1, 0, 0.5, 1e9, 1e300]))
          : random.pick(hostileJson);
    const made = (JSON.stringify(put(good, path)) ?? '').replace(`"${marker}"`, () => by);
    return chance(0.05) ? text(made) : made;
  }

  /** A cursor of a valid or almost valid form. */
  function cursor(): string {
    if (chance(0.3)) return random.pick(hostileCursors);
    const made = encodeCursor(text('2026-01-01T00:00:00.000Z'), text('00000000-0000-7000-8000-000000000000'));
    return chance(0.5) ? made : text(made);
  }

  return { chance, text, json, cursor };
}

export type Mutations = ReturnType<typeof createMutations>;
