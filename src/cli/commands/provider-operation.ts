import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { shownOf, stateOf } from '../provider-table.js';
import { confirm } from '../terminal/ask.js';
import { clean } from '../../words/clean.js';
import type { Args, Run } from '../tree/command.js';

interface Flags {
  deadline?: number;
  yes?: boolean;
}

type Operation = 'cordon' | 'uncordon' | 'drain' | 'retire';

/** Takes a machine out of service and back. */
export function operate(operation: string): Run {
  return async (context: Context, [id]: Args, flags: Flags) => {
    const { screen, global } = context;
    const client = await context.client();
    if (operation === 'retire' && flags.yes !== true) await agree(context, id as string);
    const options = flags.deadline === undefined ? {} : { deadlineS: flags.deadline };
    const provider = await client.providers[operation as Operation](id as string, options);
    if (global.json === true) return screen.json(provider);
    if (global.quiet === true) return screen.print(provider.provider_id);
    const { drain_until: until } = shownOf(provider);
    const ends = until === undefined ? '' : `; the last of its jobs ends ${momentText(until, context.time())}`;
    screen.paragraph(`${clean(provider.provider_id)} is ${stateOf(provider).word}${ends}`);
  };
}

async function agree(context: Context, id: string): Promise<void> {
  if (!context.screen.canAsk) throw usage(`this takes ${clean(id)} out of the fleet`, 'if that is meant: -y');
  if (await confirm(`Take ${clean(id)} out of the fleet, after its last job?`, false)) return;
  throw new Failure(exitCodes.interrupted, 'nothing has changed');
}
