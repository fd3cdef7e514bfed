import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { isSettingName, settings as known } from '../files/config.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [name, value]: Args): Promise<void> {
  if (!isSettingName(name as string)) {
    throw usage(`there is no setting "${clean(name as string)}"`, `there are ${Object.keys(known).join(', ')}`);
  }
  const setting = known[name as keyof typeof known];
  if (value === undefined) {
    context.config.change({ [name as string]: undefined });
    return context.screen.note(`${name as string} is forgotten.`);
  }
  const read = setting.read(value as string);
  if (read === undefined) throw usage(`${name as string} must be ${setting.expects}`);
  context.config.change({ [name as string]: read });
  context.screen.note(`${name as string} is ${String(read)}`);
}
