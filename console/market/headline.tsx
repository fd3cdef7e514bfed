import { site } from '../live/index.js';
import { plain } from '../parts/index.js';
import type { Headline as Figures } from './figures.js';
import { priceText } from './words.js';

/** The three figures that say what sort of market it is now. */
export function Headline({ free, total, machines, median }: Figures) {
  const unit = plain(site.value?.token.symbol ?? '', 12);
  return (
    <dl class="headline">
      <div>
        <dt>Free now</dt>
        <dd>
          <span class="headline-figure num">{free}</span>
          <span class="soft"> of {total} GPUs</span>
        </dd>
      </div>
      <div>
        <dt>Online</dt>
        <dd>
          <span class="headline-figure num">{machines}</span>
          <span class="soft"> {machines === 1 ? 'machine' : 'machines'}</span>
        </dd>
      </div>
      <div>
        <dt>Median price</dt>
        <dd>
          <span class="headline-figure num">{priceText(median)}</span>
          <span class="soft"> {unit} per GPU and hour</span>
        </dd>
      </div>
    </dl>
  );
}
