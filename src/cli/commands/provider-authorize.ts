import { writeFileSync } from 'node:fs';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { reason } from '../files/private-file.js';
import { signDelegation } from '../provider-delegation.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

interface Flags {
  nodeKey: string;
  for?: number;
  chainId?: number;
  browser: boolean;
  out?: string;
  wallet?: string;
}

export async function run(context: Context, [id]: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const { delegation, wallet } = await signDelegation(context, id as string, flags);
  if (flags.out !== undefined) {
    const text = `${JSON.stringify(delegation, null, 2)}\n`;
    if (flags.out === '-') return screen.print(text.trimEnd());
    try {
      writeFileSync(flags.out, text, { mode: 0o600 });
    } catch (error) {
      throw usage(`${flags.out} cannot be written: ${reason(error)}`);
    }
    return screen.note(
      `Written. Bring it to the machine within ten minutes: provider-agent run --delegation ${flags.out}`,
    );
  }
  const answer = await client.providers.delegate(id as string, delegation);
  if (global.json === true) return screen.json(answer ?? delegation);
  screen.note(
    `${wallet} will be paid for ${clean(id as string)}; the machine fetches this within seconds, if it waits for it.`,
  );
}
