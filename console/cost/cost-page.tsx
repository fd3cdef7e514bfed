import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function CostPage() {
  return (
    <>
      <PageHead title="Cost" />
      <Empty title="This page is being built" />
    </>
  );
}
