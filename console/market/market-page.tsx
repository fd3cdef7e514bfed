import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function MarketPage() {
  return (
    <>
      <PageHead title="Market" />
      <Empty title="This page is being built" />
    </>
  );
}
