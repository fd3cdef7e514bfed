import { useMemo } from 'preact/hooks';
import type { Site } from '../../src/client/index.js';
import { twoWords } from '../../src/words/two-words.js';
import { PageHead } from '../app/page.js';
import type { PageProps } from '../app/router.js';
import { readSite, useResource } from '../live/index.js';
import { Loaded, Skeleton } from '../parts/index.js';
import { emptyForm, formOfAddress } from './order-form.js';
import { RentForm } from './rent-form.js';

/** An order, from the first choice to the job: what it costs stands beside it all the time. */
export default function RentPage({ query }: PageProps) {
  const site = useResource('site', readSite);
  return (
    <div class="stack loose rent">
      <PageHead
        title="Rent"
        lead="You pay by the second, for the time that it runs. It ends when you say, or at its time."
      />
      <Loaded of={site} skeleton={<Skeleton lines={8} height={3} />}>
        {(data) => <FirstForm site={data} query={query} />}
      </Loaded>
    </div>
  );
}

/** The form begins with what the address says; from then on the address follows the form. */
function FirstForm({ site, query }: { site: Site; query: URLSearchParams }) {
  const { empty, first } = useMemo(() => {
    const made = emptyForm(site, query.get('name') ?? twoWords());
    return { empty: made, first: formOfAddress(query, made, site) };
  }, [site.version]);
  return <RentForm site={site} empty={empty} first={first} />;
}
