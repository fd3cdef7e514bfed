import { useMemo } from 'preact/hooks';
import { nowMs } from '../live/index.js';
import { Button } from '../parts/index.js';
import { secondsClock } from './event-time.js';
import { linesWith, piecesOf, type HeldLog, type LogBlock, type ShownLine } from './log-lines.js';
import type { LogEnd } from './use-end.js';

interface LogViewProps {
  held: HeldLog;
  /** Only lines with these words; empty for all. */
  find: string;
  withTimes: boolean;
  end: LogEnd;
  isTruncated: boolean;
}

/** The lines in a box of their own, which stays at their end until somebody scrolls up. */
export function LogView({ held, find, withTimes, end, isTruncated }: LogViewProps) {
  const isWhole = held.dropped === 0 && !isTruncated;
  return (
    <div class="log-place">
      <div
        class="log"
        ref={end.box}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="What the job has written"
        onScroll={end.scrolled}
      >
        {!isWhole && <p class="log-earlier">Earlier lines are not shown.</p>}
        {held.blocks.map((block) => (
          <Block key={block.key} {...{ block, find, withTimes }} />
        ))}
      </div>
      {!end.isFollowed && (
        <Button size="s" class="log-to-end" onClick={end.go}>
          {end.missed === 0 ? 'To the end' : `To the end, ${end.missed} more ${end.missed === 1 ? 'line' : 'lines'}`}
        </Button>
      )}
    </div>
  );
}

/** Drawn anew only when it has changed: what is memoized is passed over, whatever is written below it. */
function Block({ block, find, withTimes }: { block: LogBlock; find: string; withTimes: boolean }) {
  return useMemo(
    () => (
      <div class="log-block">
        {linesWith(block.lines, find).map((line) => (
          <Line key={line.id} {...{ line, find, withTimes }} />
        ))}
      </div>
    ),
    [block, find, withTimes],
  );
}

function Line({ line, find, withTimes }: { line: ShownLine; find: string; withTimes: boolean }) {
  return (
    <div class="log-line">
      {withTimes && (
        <time class="soft" dateTime={line.at} title={line.at}>
          {secondsClock(line.at, nowMs())}
        </time>
      )}
      <bdi dir="ltr">
        {piecesOf(line.text, find).map((piece, at) => (at % 2 === 1 ? <mark key={at}>{piece}</mark> : piece))}
        {line.isCut && <span class="soft"> … cut off</span>}
      </bdi>
    </div>
  );
}
