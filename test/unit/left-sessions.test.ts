import { describe, expect, test } from '@jest/globals';
import { leftSessions } from '../../console/live/left-sessions.js';

/** What a tab stores, and keeps over a reload. */
function storage(first?: string) {
  const kept = new Map<string, string>(first === undefined ? [] : [['left', first]]);
  return {
    kept,
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
}
const [a, b] = ['0xaa', '0xbb'];

describe('the sessions that a tab has left', () => {
  test('are to end once their wallet has logged out, and are known after a reload', () => {
    const kept = storage();
    const before = leftSessions(() => kept, 'left');
    before.add({ wallet: a, sessionId: 'one', isOver: false });
    before.add({ wallet: b, sessionId: 'of-another', isOver: true });
    expect(before.over(a)).toEqual([]);
    before.close(a);
    const after = leftSessions(() => kept, 'left');
    expect([after.over(a), after.over(b)]).toEqual([['one'], ['of-another']]);
    after.forget('one');
    after.forget('of-another');
    expect(kept.kept.size).toBe(0);
  });

  test('are stored as names, without what could be used in their place', () => {
    const kept = storage();
    const login = { wallet: a, sessionId: 'one', isOver: true, token: 'wlb_secret', privateKey: '0x1' };
    leftSessions(() => kept, 'left').add(login);
    expect(JSON.parse(kept.kept.get('left')!)).toEqual([{ wallet: a, sessionId: 'one', isOver: true }]);
  });

  test.each(['{', 'null', '{"a":1}', '[null,1,{"wallet":1}]'])(
    'text that is no list of them counts as none: %s',
    (text) => {
      const sessions = leftSessions(() => storage(text), 'left');
      expect(sessions.over(a)).toEqual([]);
      sessions.add({ wallet: a, sessionId: 'one', isOver: true });
      expect(sessions.over(a)).toEqual(['one']);
    },
  );

  test('are kept in the page alone where nothing may be stored', () => {
    const refusing = () => {
      throw new DOMException('no', 'SecurityError');
    };
    const sessions = leftSessions(refusing, 'left');
    sessions.add({ wallet: a, sessionId: 'one', isOver: true });
    expect(sessions.over(a)).toEqual(['one']);
  });

  test('are few: the oldest ones end by themselves', () => {
    const kept = storage();
    const sessions = leftSessions(() => kept, 'left');
    for (let at = 0; at < 50; at++) sessions.add({ wallet: a, sessionId: String(at), isOver: true });
    expect(sessions.over(a)).toHaveLength(20);
    expect(sessions.over(a).at(-1)).toBe('49');
  });
});
