import { silent, type Fault } from './fault.js';

/** Faults in bills, reservations and allocations. */
export const faultsOfTheLedger: Readonly<Record<string, Fault>> = {
  'starts-again': {
    what: 'an extension moves the start of the job',
    edits: [
      {
        file: 'src/db/job-changes.ts',
        find: 'update jobs j set expires_at = case when paid.is_whole',
        replace: `update jobs j set started_at = started_at + interval '1 s', expires_at = case when paid.is_whole`,
      },
    ],
    foundBy: ['rows', 'told'],
  },
  'extension-told-badly': {
    what: 'the event of an extension leaves a number out',
    edits: [
      {
        file: 'src/db/job-changes.ts',
        find: 'else expires_at + make_interval(secs => $2) end,\n                         event_count = event_count + 1,',
        replace:
          'else expires_at + make_interval(secs => $2) end,\n                         event_count = event_count + 2,',
      },
    ],
    foundBy: ['events'],
  },
  'extension-unheard': {
    what: 'the ledger has an extension, and the workflow ends the job as if it had none',
    edits: [{ file: 'workflows/job-extensions.ts', find: '      job.expiresAtMs = expiresAtMs;\n', replace: '' }],
    foundBy: ['bills'],
  },
  'billed-twice': {
    what: 'every job costs twice what it was served for',
    edits: [
      {
        file: 'src/wire/charge.ts',
        find: 'return (rate * BigInt(billedMs)) / msPerHour;',
        replace: 'return (2n * rate * BigInt(billedMs)) / msPerHour;',
      },
    ],
    foundBy: ['bills'],
  },
  'nothing-billed': {
    what: 'no job costs anything',
    edits: [
      {
        file: 'src/wire/charge.ts',
        find: 'return (rate * BigInt(billedMs)) / msPerHour;',
        replace: 'return (0n * rate * BigInt(billedMs)) / msPerHour;',
      },
    ],
    foundBy: ['bills'],
  },
  'receipt-skipped': {
    what: 'the receipts of a customer are numbered with holes',
    edits: [
      {
        file: 'src/billing/receipts.ts',
        find: 'number: stand.number + 1,',
        replace: 'number: stand.number + 2,',
      },
    ],
    foundBy: ['receipts'],
  },
  'gap-billed': {
    what: 'what a machine was away for is paid for',
    edits: [
      {
        file: 'src/domain/billing.ts',
        find: 'return { servedUntilMs, billedMs: servedUntilMs - readyAtMs - missed, gaps };',
        replace: 'return { servedUntilMs, billedMs: servedUntilMs - readyAtMs - 0 * missed, gaps };',
      },
    ],
    foundBy: ['bills'],
    run: silent,
  },
  'gap-forgotten': {
    what: 'what a machine was away for is not written down',
    edits: [
      {
        file: 'src/db/job-gaps.ts',
        find: '  if (gaps.length === 0) return;',
        replace: '  if (gaps.length >= 0) return;',
      },
    ],
    foundBy: ['bills'],
    run: silent,
  },
  'charge-open': {
    what: 'what a job reserved is never settled',
    edits: [
      {
        file: 'src/billing/spend.ts',
        find: 'const charges = await settleCharges(tx, jobId, chargeFor(rate, billed.billedMs));',
        replace:
          'const charges: Awaited<ReturnType<typeof settleCharges>> = rate < 0n ? await settleCharges(tx, jobId, chargeFor(rate, 0)) : [];',
      },
    ],
    foundBy: ['ledger', 'books'],
  },
  'booked-too-much': {
    what: 'the ledger takes a base unit more of a customer than his charges say, and gives it to the provider',
    edits: [
      {
        file: 'src/db/bookings.ts',
        find: 'charges.flatMap(({ wallet, reserved, spent }) => [',
        replace: 'charges.flatMap(({ requestId, wallet, reserved, spent }) => [',
      },
      {
        file: 'src/db/bookings.ts',
        find: 'amount: reserved - spent },',
        // Once for a job, or its lines would not sum to 0, and it would never be settled.
        replace: `amount: reserved - spent - (spent > 0n && requestId === '' ? 1n : 0n) },`,
      },
      { file: 'src/db/bookings.ts', find: 'amount: shares.earned });', replace: 'amount: shares.earned + 1n });' },
    ],
    foundBy: ['books'],
  },
  'allocation-kept': {
    what: 'a job that ends keeps its capacity',
    edits: [{ file: 'activities/job-record.ts', find: '        await release(tx, jobId);\n', replace: '' }],
    foundBy: ['allocations', 'repairs'],
  },
  'counter-kept': {
    what: 'what a job gives back still counts as rented',
    edits: [
      {
        file: 'src/db/allocations.ts',
        find: 'set rented = r.rented - given.amount,',
        replace: 'set rented = r.rented,',
      },
    ],
    foundBy: ['rented', 'repairs'],
  },
};
