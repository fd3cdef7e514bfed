import { z } from 'zod';
import { whole } from './values.js';

export const operatorVariables = {
  /**
   * How long the audit log keeps what operators and owners changed, in days. Short loses what an investigation asks for;
   * long only takes room, some hundred bytes a change.
   */
  AUDIT_LOG_DAYS: whole(365, 1, 3_650),
  /**
   * Address of the Temporal UI, such as `https://temporal.example.com`, as operators reach it. What they list then has
   * a link to its workflow.
   */
  TEMPORAL_UI_URL: z
    .url({ protocol: /^https?$/ })
    .transform((value) => value.replace(/\/+$/, ''))
    .describe('URL')
    .optional(),
};
