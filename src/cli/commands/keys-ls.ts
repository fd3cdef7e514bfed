import type { SshKey } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';

export async function run(context: Context): Promise<void> {
  const { screen, global } = context;
  const keys = await (await context.client()).sshKeys.list();
  if (global.json === true) return screen.json({ keys });
  if (global.quiet === true) return keys.forEach(({ key_id }) => screen.print(key_id));
  if (keys.length === 0) return screen.note('No keys. wl keys add ~/.ssh/id_ed25519.pub keeps one.');
  screen.table(
    [
      { title: 'NAME', of: (key: SshKey) => key.name, isText: true },
      { title: 'FINGERPRINT', of: (key) => key.fingerprint, isText: true },
      { title: 'SINCE', of: (key) => momentText(key.created_at, context.time()), keep: 1 },
    ],
    keys,
  );
}
