import type { Overview } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { nowMs, token } from '../live/index.js';
import { Age, Card, Loaded, Skeleton, Stat, State, Stats, Untrusted, figureOf, plain } from '../parts/index.js';
import { useOperatorResource } from './as-operator.js';
import { figuresOf, healthOf, lettersCount } from './overview-words.js';
import { viewTo, WorkflowLink } from './parts.js';
import { StuckCard } from './stuck-card.js';
import { WaitingCard } from './waiting-card.js';

const everyMs = 10_000;

/** The site in figures, and what needs somebody. */
export function NowView() {
  const overview = useOperatorResource(
    'overview',
    (client) => client.request('GET', '/api/v1/admin/overview'),
    everyMs,
  );
  return (
    <div class="stack loose now">
      <Loaded of={overview} skeleton={<Skeleton lines={2} height={4} />}>
        {({ body }) => <Figures overview={body} />}
      </Loaded>
      <StuckCard />
      <WaitingCard />
      <Loaded of={overview} skeleton={<Skeleton lines={3} />}>
        {({ body }) => (
          <Card
            title="Systems"
            aside={
              <>
                <Age of={overview} />
                <WorkflowLink url={body.temporal_ui} />
              </>
            }
          >
            <Systems overview={body} />
          </Card>
        )}
      </Loaded>
    </div>
  );
}

function Figures({ overview }: { overview: Overview }) {
  const { symbol, decimals } = token();
  const money = { amount: (units: string) => figureOf(units, decimals), symbol: plain(symbol, 12) };
  return (
    <Stats>
      {figuresOf(overview, money).map(({ name, value, unit, note, isAlarm }) => (
        <Stat
          key={name}
          label={name}
          value={value}
          unit={unit}
          note={isAlarm ? <State tone="warn">{note}</State> : note}
        />
      ))}
    </Stats>
  );
}

function Systems({ overview }: { overview: Overview }) {
  const letters = lettersCount(overview);
  return (
    <div class="stack">
      <ul class="systems">
        {healthOf(overview, nowMs()).map(({ name, isWell, detail }) => (
          <li key={name}>
            <State tone={isWell ? 'good' : 'bad'} glyph={isWell ? '✓' : '✕'}>
              <Untrusted text={name} max={32} />
            </State>
            <span class="small soft">
              <Untrusted text={detail} max={120} />
            </span>
          </li>
        ))}
      </ul>
      <p>
        {letters === 0 ? (
          <span class="soft">No provider messages have been set aside.</span>
        ) : (
          <Link to={viewTo('letters')}>
            {letters === 1 ? '1 provider message has' : `${letters} provider messages have`} been set aside
          </Link>
        )}
      </p>
    </div>
  );
}
