import type { WorldLand as Client } from '../../client/index.js';
import type { Context } from '../context.js';
import { isClientError } from '../error-words.js';
import type { Landed } from './undertake.js';

/** A broker reads the chain every some seconds; one that is behind for longer has its own reasons. */
const patienceMs = 60_000;
const pollMs = 2_000;

/** Waits until the broker has read the chain as far as what was sent; answers whether it has. */
export async function untilBooked({ screen }: Context, client: Client, landed: readonly Landed[]): Promise<boolean> {
  const block = Math.max(...landed.map((each) => each.block));
  try {
    for (const until = Date.now() + patienceMs; ;) {
      const { read_block: read } = await client.money.deposits();
      if (read !== null && read >= block) return true;
      if (Date.now() > until) return false;
      screen.live(`  final; the broker has read the chain up to block ${read ?? 0} of ${block}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  } catch (error) {
    // The money is there, whatever the broker answers.
    if (isClientError(error)) return false;
    throw error;
  } finally {
    screen.live('');
  }
}
