import type { TextStorage } from '../../src/client/stores.js';

/** A session that this tab no longer uses: its name, and nothing that could be used in its place. */
export interface LeftSession {
  wallet: string;
  sessionId: string;
  /**
   * The broker is to end it. False while another session has merely replaced it: jobs that it ordered are its own until
   * the log out.
   */
  isOver: boolean;
}

export interface LeftSessions {
  add(session: LeftSession): void;
  /** All of a wallet's are to end, those first that were left first. */
  close(wallet: string): void;
  /** The ids of those of a wallet that are to end. */
  over(wallet: string): string[];
  /** It has ended. */
  forget(sessionId: string): void;
}

/** A wallet has ten sessions at most; more than these were not left by a person. */
const mostKept = 20;

/** Keeps them over a reload. A storage that refuses (it is full, or switched off) keeps them in this page only. */
export function leftSessions(storage: () => TextStorage, name: string): LeftSessions {
  let kept: LeftSession[] | undefined;
  const read = () => (kept ??= listOf(textIn(storage, name)));
  const write = (sessions: LeftSession[]) => {
    kept = sessions.slice(-mostKept);
    try {
      if (kept.length === 0) storage().removeItem(name);
      else storage().setItem(name, JSON.stringify(kept));
    } catch {
      // They end by themselves.
    }
  };
  const others = (sessionId: string) => read().filter((each) => each.sessionId !== sessionId);
  return {
    add: ({ wallet, sessionId, isOver }) => write([...others(sessionId), { wallet, sessionId, isOver }]),
    close: (wallet) => write(read().map((each) => (each.wallet === wallet ? { ...each, isOver: true } : each))),
    over: (wallet) => read().flatMap((each) => (each.isOver && each.wallet === wallet ? [each.sessionId] : [])),
    forget: (sessionId) => write(others(sessionId)),
  };
}

function textIn(storage: () => TextStorage, name: string): string {
  try {
    return storage().getItem(name) ?? '[]';
  } catch {
    return '[]';
  }
}

function listOf(text: string): LeftSession[] {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read.filter(isLeftSession).slice(-mostKept) : [];
  } catch {
    return [];
  }
}

function isLeftSession(value: unknown): value is LeftSession {
  const { wallet, sessionId, isOver } = (value ?? {}) as Partial<Record<keyof LeftSession, unknown>>;
  return typeof wallet === 'string' && typeof sessionId === 'string' && typeof isOver === 'boolean';
}
