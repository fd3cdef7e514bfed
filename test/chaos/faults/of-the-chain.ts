import type { Fault } from './fault.js';

/** Faults of deposits, settlements and withdrawals. */
export const faultsOfTheChain: Readonly<Record<string, Fault>> = {
  'credited-early': {
    what: 'what the chain says counts before it is final',
    edits: [
      {
        file: 'src/chain/final-block.ts',
        find: 'finalBlock({ latest: await client.getBlockNumber() }, finality)',
        replace: 'finalBlock({ latest: (await client.getBlockNumber()) + BigInt(finality) }, finality)',
      },
    ],
    foundBy: ['final'],
    run: { chain: 'calm' },
  },
  'booked-again': {
    what: 'the last block is read again, and what it says is booked again',
    edits: [
      {
        file: 'src/chain/vault-watch.ts',
        find: 'settings.fromBlock : cursor.block + 1;',
        replace: 'settings.fromBlock : cursor.block;',
      },
      {
        file: 'src/chain/vault-watch.ts',
        find: 'if (units < deposited || (isAllOfIt && units !== deposited))',
        replace: 'if (units < 0n && isAllOfIt && units !== deposited)',
      },
      {
        file: 'src/db/vault-events.ts',
        find: 'return events.filter(({ txHash, logIndex }) => added.has(`${txHash} ${logIndex}`));',
        replace: 'return events.filter(({ txHash, logIndex }) => !added.has(`${txHash} ${logIndex} never`));',
      },
      {
        file: 'src/billing/vault-events.ts',
        find: '  `chain/${chainId}/${txHash}/${logIndex}`;',
        replace: '  `chain/${chainId}/${txHash}/${logIndex}/${Math.random()}`;',
      },
    ],
    foundBy: ['vault', 'withdrawals'],
    run: { chain: 'calm' },
  },
  'payout-missed': {
    what: 'what providers take out of the vault is not booked',
    edits: [
      {
        file: 'src/chain/vault-watch.ts',
        find: 'await insertVaultEvents(tx, facts, events));',
        replace: `await insertVaultEvents(tx, facts, events.filter(({ name }) => name !== 'EarningsWithdrawn')));`,
      },
    ],
    foundBy: ['booked'],
    run: { chain: 'calm' },
  },
  'drawn-too-much': {
    what: 'a settlement draws twice what its customer deposited',
    edits: [
      {
        file: 'src/domain/vault-units.ts',
        find: 'const gone = deposited - withdrawn - his;',
        replace: 'const gone = 2n * deposited - withdrawn - 0n * his;',
      },
    ],
    foundBy: ['settlements'],
    run: { chain: 'calm' },
  },
  'unpaid-rented': {
    what: 'who pays in advance may owe all the same',
    edits: [
      {
        file: 'src/db/prepaid.ts',
        find: 'if (!(await isPrepaid(tx))) {',
        replace: 'if (added >= 0n || !(await isPrepaid(tx))) {',
      },
      {
        // Otherwise the account itself refuses, which answers 500.
        file: 'src/db/prepaid.ts',
        find: '    // It may have begun while the site had a chain.',
        replace: `    await tx.query("insert into ledger_accounts (kind, owner) values ('customer', $1) on conflict do nothing", [wallet]);`,
      },
    ],
    foundBy: ['prepaid'],
    run: { chain: 'calm' },
  },
  'permit-signed-twice': {
    what: 'the money of a withdrawal is given back while its permit can still be used, and signed for again',
    edits: [
      {
        file: 'src/db/withdrawals.ts',
        find: 'else deadline < to_timestamp($3) end',
        replace: `else deadline < to_timestamp($3) + interval '1 hour' end`,
      },
    ],
    foundBy: ['withdrawals'],
    run: { chain: 'calm', jobs: 21 },
  },
  'lie-believed': {
    what: 'the first node is believed, whatever the other one says',
    edits: [
      {
        file: 'src/chain/rpc.ts',
        find: 'if (answers.length === 0 || texts.size !== 1)',
        replace: 'if (answers.length === 0 || texts.size === 0)',
      },
    ],
    foundBy: ['lies'],
    run: { chain: 'stormy', jobs: 14 },
  },
  'veto-ignored': {
    what: 'after a veto, settlements go on as if nothing had happened',
    edits: [
      {
        file: 'src/chain/settlement.ts',
        find: 'if (isAlarm && (await stopSettlements(',
        replace: `if (isAlarm && why === 'never' && (await stopSettlements(`,
      },
    ],
    foundBy: ['settlements'],
    run: { chain: 'stormy', jobs: 14 },
  },
};
