import { compile, type Contract, type Sources } from '../../scripts/contracts.js';

/** A fault that somebody might make in the vault: texts of its sources, each of which stands there once. */
export interface Mutant {
  name: string;
  file: string;
  edits: [from: string, to: string][];
}

const vault = 'RentalVault.sol';

export const mutants: Mutant[] = [
  {
    name: 'a batch is executed before its delay is over',
    file: vault,
    edits: [['require(block.timestamp >= batch.executableAt, TooEarly());', '']],
  },
  {
    name: 'a draw may exceed the cap',
    file: vault,
    edits: [['require(draw.cumulative <= customer.cap, CapExceeded(draw.customer));', '']],
  },
  {
    name: 'a draw may exceed the balance',
    file: vault,
    edits: [
      ['require(amount <= balance, InsufficientBalance(draw.customer));', ''],
      ['= (balance - amount, draw.cumulative)', '= (balance < amount ? 0 : balance - amount, draw.cumulative)'],
    ],
  },
  {
    name: 'credits may exceed what was drawn',
    file: vault,
    edits: [
      ['require(credited <= available, Unbalanced());', ''],
      ['narrow(available - credited)', 'narrow(available < credited ? 0 : available - credited)'],
    ],
  },
  { name: 'a veto changes nothing', file: vault, edits: [['batches[number].hash = 0;', '']] },
  {
    name: 'a vetoed batch is executed',
    file: vault,
    edits: [['batch.hash != 0 && batch.hash == hash', 'batch.hash == 0 || batch.hash == hash']],
  },
  {
    name: 'other lines are executed than were proposed',
    file: vault,
    edits: [['batch.hash != 0 && batch.hash == hash', 'batch.hash != 0 && hash != 0']],
  },
  {
    name: 'a batch is executed after a higher one',
    file: vault,
    edits: [['require(number > lastExecuted, Stale());\n        Batch', 'Batch']],
  },
  {
    name: 'a batch outlives its operator',
    file: vault,
    edits: [['require(batch.proposer == operator(), NotOperator());', '']],
  },
  {
    name: 'a total that is lower takes something back',
    file: vault,
    edits: [
      ['if (credit.cumulative <= before) continue;', ''],
      ['credited += credit.cumulative - before;', 'unchecked { credited += uint256(credit.cumulative) - before; }'],
    ],
  },
  {
    name: 'an exit does not wait',
    file: vault,
    edits: [['require(block.timestamp >= customer.exitAt, TooEarly());', '']],
  },
  {
    name: 'an exit stays requested',
    file: vault,
    edits: [['customer.exitAt = 0;\n        emit Exited', 'emit Exited']],
  },
  { name: 'a permit is used twice', file: vault, edits: [['customer.withdrawn += amount;', '']] },
  {
    name: 'a permit has no end',
    file: vault,
    edits: [['require(block.timestamp <= deadline, Expired());', '']],
  },
  {
    name: 'a stranger raises a cap by a deposit',
    file: vault,
    edits: [['msg.sender == customer && newCap', 'newCap']],
  },
  {
    name: 'a stranger raises a cap without a signature',
    file: vault,
    edits: [['if (msg.sender != customer) requireSpendPermit', 'if (signature.length == 0) requireSpendPermit']],
  },
  {
    name: 'earnings are withdrawn twice',
    file: vault,
    edits: [['payee.withdrawn = payee.credited;', '']],
  },
  {
    name: 'anybody sweeps the fees',
    file: vault,
    edits: [['require(msg.sender == treasury(), NotTreasury());', '']],
  },
  {
    name: 'a pause does not stop batches',
    file: vault,
    edits: [['        nonReentrant\n        whileRunning\n', '        nonReentrant\n']],
  },
  {
    name: 'a token may come back in while it is called',
    file: 'Pause.sol',
    edits: [['require(!entered, Reentered());', '']],
  },
  {
    name: 'a pause follows a pause',
    file: 'Pause.sol',
    edits: [['require(pausedUntil == 0 || block.timestamp >= pausedUntil + PAUSE_RESTS, TooEarly());', '']],
  },
  { name: 'a pause does not end', file: 'Pause.sol', edits: [['PAUSE_LASTS = 72 hours', 'PAUSE_LASTS = 720 hours']] },
  {
    name: 'a role changes at once',
    file: 'Roles.sol',
    edits: [['uint64(block.timestamp) + ADMIN_DELAY', 'uint64(block.timestamp)']],
  },
  { name: 'anybody changes a role', file: 'Roles.sol', edits: [['require(msg.sender == admin, NotAdmin());', '']] },
  {
    name: 'anybody signs for anybody',
    file: 'Permits.sol',
    edits: [['recovered != address(0) && recovered == signer', 'recovered != address(0) && signer != address(0)']],
  },
  {
    name: 'a signature counts in its other form, too',
    file: 'Permits.sol',
    edits: [['uint256(s) <= LARGEST_S && (v == 27 || v == 28)', 'v == 27 || v == 28']],
  },
  {
    name: 'what was sent is credited, not what arrived',
    file: 'Token.sol',
    edits: [['return token.balanceOf(address(this)) - before;', 'return amount + 0 * before;']],
  },
  {
    name: 'a token that says false is believed',
    file: 'Token.sol',
    edits: [['result.length >= 32 && uint256(bytes32(result)) == 1', 'true']],
  },
  {
    name: 'a token that returns nothing is not believed',
    file: 'Token.sol',
    edits: [['if (result.length == 0) return address(token).code.length > 0;', '']],
  },
  {
    name: 'a token may take more than is sent',
    file: 'Token.sol',
    edits: [['require(token.balanceOf(address(this)) + amount >= before, TransferFailed());', 'before;']],
  },
];

/**
 * The vault with that fault.
 *
 * @throws Error if the sources have no such place, or several
 */
export function compileMutant(sources: Sources, { name, file, edits }: Mutant): Contract {
  let text = sources[file]!;
  for (const [from, to] of edits) {
    if (text.split(from).length !== 2) throw new Error(`${name}: not once in ${file}: ${from}`);
    text = text.replace(from, () => to);
  }
  return compile({ ...sources, [file]: text }, [vault], { viaIR: false })['RentalVault']!;
}
