import { useMemo, useState } from 'preact/hooks';
import { isFinal } from '../../src/client/index.js';
import type { Job } from '../../src/client/shapes.js';
import { broker, toast } from '../live/index.js';
import { Button, Card, Check, ErrorNote, Input, State, Untrusted } from '../parts/index.js';
import { SaveButton } from '../parts/save-button.js';
import { saveFile } from '../parts/save-file.js';
import { linesWith, logBounds, logFile } from './log-lines.js';
import { LogView } from './log-view.js';
import { useEnd } from './use-end.js';
import { useLog, type ReadLog } from './use-log.js';

/** Whether there can be a log: before anything runs, and of a job that never ran, there is none. */
export function mayHaveLog({ started_at: startedAt, phase, program, status }: Job): boolean {
  return startedAt !== undefined || phase === 'container_started' || (isFinal(status) && program !== undefined);
}

/** What a job has written, as it is written. */
export function LogCard({ job }: { job: Job }) {
  const log = useLog(job);
  const { held, note, error } = log;
  const [wanted, setWanted] = useState('');
  const [withTimes, setTimes] = useState(false);
  const end = useEnd(held);
  const find = wanted.trim();
  const found = useMemo(
    () => (find === '' ? undefined : held.blocks.reduce((sum, { lines }) => sum + linesWith(lines, find).length, 0)),
    [held, find],
  );
  return (
    <Card title="Log" aside={<Phase log={log} isOver={isFinal(job.status)} />} class="log-card" flush>
      <div class="log-tools">
        <Input
          label={<span class="hidden-text">Find in the log</span>}
          type="search"
          placeholder="Find in these lines"
          value={wanted}
          onInput={setWanted}
        />
        <span class="small soft log-found" role="status">
          {found !== undefined && `${found} of ${held.lineCount} lines`}
        </span>
        <Check label="Times" checked={withTimes} onChange={setTimes} />
        <Button
          size="s"
          aria-pressed={end.isFollowed}
          disabled={held.lineCount === 0}
          onClick={() => (end.isFollowed ? end.pause() : end.go())}
        >
          Scroll along
        </Button>
        <SaveButton what="the log" save={() => save(job.job_id, withTimes)}>
          Download
        </SaveButton>
      </div>
      {error !== undefined && <ErrorNote error={error} onRetry={log.retry} />}
      {held.lineCount === 0 ? (
        error === undefined && (
          <p class="soft log-none">{note === undefined ? noneText(log) : <Untrusted text={note} max={200} />}</p>
        )
      ) : (
        <LogView held={held} find={find} withTimes={withTimes} end={end} isTruncated={log.isTruncated} />
      )}
    </Card>
  );
}

function noneText({ phase }: ReadLog): string {
  if (phase === 'over') return 'It has written nothing.';
  return phase === 'live' ? 'It has written nothing so far.' : 'Reading the log…';
}

function Phase({ log: { phase, error }, isOver }: { log: ReadLog; isOver: boolean }) {
  if (error !== undefined) return <State tone="bad">not read</State>;
  if (phase === 'live') return <State tone="good">live</State>;
  if (phase === 'reconnecting') return <State tone="warn">connecting again</State>;
  if (phase === 'paused') return <State tone="off">paused</State>;
  if (phase === 'opening') return <State tone="busy">reading</State>;
  return <State tone="off">{isOver ? 'kept for a week' : 'over'}</State>;
}

/** As much as the broker gives at once, which may be more than is shown. */
async function save(jobId: string, withTimes: boolean): Promise<void> {
  const { lines, truncated } = await broker().jobs.log(jobId, { tail: logBounds.lines });
  saveFile(`job-${jobId}.log`, 'text/plain;charset=utf-8', logFile(lines, withTimes));
  if (truncated) toast('The file has the end of the log: all of it would be too long.');
}
