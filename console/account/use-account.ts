import type { ListedSession, SshKey, Whoami } from '../../src/client/shapes.js';
import { broker, login, useResource, type Loaded } from '../live/index.js';

const everyMs = 30_000;
const key = (what: string) => `account:${login.value?.wallet ?? ''}:${what}`;

export function useWhoami(): Loaded<Whoami> {
  return useResource(key(`me:${login.value?.sessionId ?? ''}`), () => broker().whoami(), { everyMs });
}

export function useSessions(): Loaded<ListedSession[]> {
  return useResource(key('sessions'), () => broker().sessions.list(), { everyMs });
}

export function useSshKeys(): Loaded<SshKey[]> {
  return useResource(key('ssh-keys'), () => broker().sshKeys.list(), { everyMs });
}
