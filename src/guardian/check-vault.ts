import { parseAbi, type Address } from 'viem';
import { rentalVaultAbi } from '../chain/rental-vault-abi.js';
import { askChain, NodesDisagree, sameOf, type ChainReader, type Rpc } from '../chain/rpc.js';
import { BrokerError } from '../domain/errors.js';
import { scaleOf } from '../domain/vault-units.js';
import type { GuardianSettings } from './config.js';
import { SetupError } from './config.js';

export interface GuardedVault {
  chainId: number;
  vault: Address;
  /** Base units in one unit of its token. */
  scale: bigint;
  batchDelayS: number;
}

const tokenAbi = parseAbi(['function decimals() view returns (uint8)']);

/**
 * Holds the settings against every node of the chain.
 *
 * @throws SetupError that says what is wrong and what to do; BrokerError `dependency_unavailable` while a node does not
 *   answer, or nodes disagree.
 */
export async function checkGuardedVault(settings: GuardianSettings, rpcs: readonly Rpc[]): Promise<GuardedVault> {
  const answers = await Promise.all(rpcs.map((rpc) => readFacts(rpc, settings)));
  mustBeOneChain(answers, rpcs, settings);
  const said = sameOf(answers, 'the vault');
  mustBeOurs(said, settings);
  const facts = { scale: scaleOf(said.decimals), batchDelayS: said.batchDelayS };
  if (settings.marginS * 2 > facts.batchDelayS && settings.isProduction) {
    throw new SetupError(
      `GUARDIAN_MARGIN_S (${settings.marginS}) is more than half of the vault's delay of ${facts.batchDelayS} s: lower it, or ` +
        'there is hardly any time in which a settlement can be explained.',
    );
  }
  return { chainId: settings.chainId, vault: settings.vault, ...facts };
}

type Facts = Awaited<ReturnType<typeof factsOf>>;
type Said = Facts | 'no code' | 'no vault' | OtherChain;
interface OtherChain {
  otherChain: number;
}

const isElsewhere = (said: Said): said is OtherChain => typeof said === 'object' && 'otherChain' in said;

/** @throws SetupError when all nodes are on other chains; NodesDisagree, with the node, when some are or say so. */
function mustBeOneChain(
  answers: readonly Said[],
  rpcs: readonly Rpc[],
  { chainId }: GuardianSettings,
): asserts answers is Exclude<Said, OtherChain>[] {
  const at = answers.findIndex(isElsewhere);
  if (at < 0) return;
  const { otherChain } = answers[at] as OtherChain;
  const { host } = rpcs[at]!;
  if (!answers.every(isElsewhere))
    throw new NodesDisagree(`their chain (${host} is on chain ${otherChain}, and GUARDIAN_CHAIN_ID is ${chainId})`);
  throw new SetupError(
    `The node at ${host} is on chain ${otherChain}, and GUARDIAN_CHAIN_ID is ${chainId}: correct the one that is wrong.`,
  );
}

/** What one node says. Only what all of them say is a reason to refuse: one of them may lie. */
async function readFacts({ client, host }: Rpc, settings: GuardianSettings): Promise<Said> {
  const refused = (error: unknown) => {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError('dependency_unavailable', `the chain’s node at ${host} refuses to say what chain it is on`);
  };
  const otherChain = await askChain(() => client.getChainId()).catch(refused);
  if (otherChain !== settings.chainId) return { otherChain };
  const code = await askChain(() => client.getCode({ address: settings.vault })).catch(refused);
  if (code === undefined) return 'no code';
  try {
    return await askChain(() => factsOf(client, settings));
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    return 'no vault';
  }
}

async function factsOf(client: ChainReader, { vault }: GuardianSettings) {
  const at = { address: vault, abi: rentalVaultAbi } as const;
  const [guardian, operator, admin, [next, from], token, delay] = await Promise.all([
    client.readContract({ ...at, functionName: 'guardian' }),
    client.readContract({ ...at, functionName: 'operator' }),
    client.readContract({ ...at, functionName: 'admin' }),
    client.readContract({ ...at, functionName: 'announced', args: [1] }),
    client.readContract({ ...at, functionName: 'token' }),
    client.readContract({ ...at, functionName: 'batchDelay' }),
  ]);
  const decimals = await client.readContract({ address: token, abi: tokenAbi, functionName: 'decimals' });
  return { guardian, operator, admin, next, from, decimals, batchDelayS: Number(delay) };
}

/** @throws SetupError unless the vault is there, and its guardian is who this program is. */
function mustBeOurs(
  said: Exclude<Said, OtherChain>,
  { vault, address, chainId }: GuardianSettings,
): asserts said is Facts {
  if (said === 'no code')
    throw new SetupError(`There is no contract at GUARDIAN_VAULT (${vault}) on chain ${chainId}: correct the address.`);
  if (said === 'no vault')
    throw new SetupError(`The contract at GUARDIAN_VAULT (${vault}) is no RentalVault: correct the address.`);
  const { guardian, operator, admin, next, from } = said;
  const isOwn = (other: string) => other.toLowerCase() === address;
  if (isOwn(operator)) {
    throw new SetupError(
      `GUARDIAN_PRIVATE_KEY is the key of the vault's operator (${operator}): whoever steals it could propose and not be ` +
        'vetoed. Make another key, and have the admin call setGuardian with its address.',
    );
  }
  if (isOwn(admin))
    throw new SetupError(
      `GUARDIAN_PRIVATE_KEY is the key of the vault's admin (${admin}): make a key of the guardian's own.`,
    );
  if (isOwn(guardian)) return;
  const when = isOwn(next) ? `; ${address} will be from ${new Date(Number(from) * 1000).toISOString()} on` : '';
  throw new SetupError(
    `The guardian of the vault at GUARDIAN_VAULT (${vault}) is ${guardian}, and GUARDIAN_PRIVATE_KEY is the key of ` +
      `${address}${when}: give the guardian's key, or have the vault's admin call setGuardian(${address}).`,
  );
}
