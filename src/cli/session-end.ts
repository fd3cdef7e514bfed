import type { Job } from '../client/shapes.js';
import { clockText } from '../words/durations.js';
import { jobLabel } from '../words/job-label.js';
import type { Context } from './context.js';

/** Warns if the login ends before a job does: after that, nothing can extend the job, or end it early. */
export async function warnOfSessionEnd(context: Context, jobs: readonly Job[]): Promise<void> {
  const client = await context.client();
  const session = await client.restore();
  if (session === undefined || (context.env['WORLDLAND_TOKEN'] ?? '') !== '') return;
  const endsMs = session.expiresAt.getTime();
  const after = jobs.filter(
    ({ status, expires_at }) => status === 'running' && expires_at !== undefined && Date.parse(expires_at) > endsMs,
  );
  if (after.length === 0) return;
  const { screen } = context;
  const at = clockText(session.expiresAt.getTime(), context.time());
  const names = after.slice(0, 3).map((job) => jobLabel(job, jobs));
  const more = after.length > 3 ? ` and ${after.length - 3} more` : '';
  screen.note(
    `${screen.paintNote('yellow', '!')} your login ends at ${at}, before ${names.join(', ')}${more}: wl login renews it`,
  );
}
