import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { isSettingName, settings as known } from '../files/config.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [name]: Args): Promise<void> {
  if (!isSettingName(name as string)) {
    throw usage(`there is no setting "${clean(name as string)}"`, `there are ${Object.keys(known).join(', ')}`);
  }
  const value = context.settings[name as keyof typeof known];
  if (context.global.json === true) return context.screen.json(value ?? null);
  if (value !== undefined) context.screen.print(String(value));
}
