import type { Address, Hex } from 'viem';
import { asRevert, CallReverted } from './node-words.js';
import { askChain, NodesDisagree, sameOf, type Rpc } from './rpc.js';

interface SimulatedCall {
  from: Address;
  to: Address;
  data: Hex;
}

/** What a call would do at one block: how much gas it takes, or how it is refused. */
export type Simulated = { gas: bigint } | { refused: CallReverted };

/**
 * Asks all nodes what a call would do. A refusal decides who gets no service, and a call that is sent and refused costs
 * gas, so neither is believed of one node.
 *
 * @throws NodesDisagree; BrokerError `dependency_unavailable`.
 */
export async function simulate(rpcs: readonly Rpc[], call: SimulatedCall, block: bigint): Promise<Simulated> {
  const answers = await askChain(() => Promise.all(rpcs.map((rpc) => simulateAt(rpc, call, block))));
  const refusals = answers.map((answer) =>
    'refused' in answer ? `${answer.refused.errorName}(${answer.refused.args.map(String).join()})` : '',
  );
  sameOf(refusals, 'whether the vault takes a call');
  const gas = answers.flatMap((answer) => ('gas' in answer ? [answer.gas] : []));
  if (gas.length === 0) return answers[0]!;
  const [least, most] = [gas.reduce((a, b) => (b < a ? b : a)), gas.reduce((a, b) => (b > a ? b : a))];
  // They count a little differently.
  if (most > 2n * least) throw new NodesDisagree('the gas of a call');
  return { gas: most };
}

async function simulateAt({ client }: Rpc, { from, to, data }: SimulatedCall, block: bigint): Promise<Simulated> {
  const asked = { account: from, to, data, blockNumber: block };
  try {
    // First, because nodes say more of why a call is refused than of why its gas cannot be estimated.
    await client.call(asked);
    return { gas: await client.estimateGas(asked) };
  } catch (error) {
    const refused = asRevert(error);
    if (refused instanceof CallReverted) return { refused };
    throw refused;
  }
}
