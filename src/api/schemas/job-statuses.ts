import { z } from 'zod';
import { isFinal } from '../../domain/job.js';
import { jobStatuses, type JobStatus } from '../../wire/statuses.js';
import { shownAs } from './shown-as.js';

/** `active`: those that are not over. */
const statusWords = [...jobStatuses, 'active'] as const;
type StatusWord = (typeof statusWords)[number];
const statusList = new RegExp(`^(?:${statusWords.join('|')})(?:,(?:${statusWords.join('|')}))*$`);
const isActive = (status: JobStatus) => !isFinal(status);
const statusesOf = (words: readonly StatusWord[]): JobStatus[] => [
  ...new Set(words.flatMap((word) => (word === 'active' ? jobStatuses.filter(isActive) : [word]))),
];

/** The statuses of jobs that a list is narrowed to, in a query. */
export const jobStatusesQuery = shownAs(
  z
    .string()
    .max(200)
    .regex(statusList, `must be of ${statusWords.join(', ')}, with commas between several`)
    .transform((text) => statusesOf(text.split(',') as StatusWord[])),
  { type: 'string', pattern: statusList.source },
)
  .optional()
  .describe('One or several, with commas between them; `active` for all that are not over');
