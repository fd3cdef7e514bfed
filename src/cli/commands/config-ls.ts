import type { Context } from '../context.js';
import { settings as known, type SettingName } from '../files/config.js';

export async function run(context: Context): Promise<void> {
  const { screen, global, settings, config } = context;
  if (global.json === true) return screen.json(settings);
  const names = Object.keys(known) as SettingName[];
  screen.table(
    [
      { title: 'NAME', of: (name: SettingName) => name },
      { title: 'VALUE', of: (name) => String(settings[name] ?? '–'), isText: true },
      { title: 'WHAT', of: (name) => known[name].text, isText: true, keep: 1 },
    ],
    names,
  );
  screen.note(`in ${config.path}`);
}
