import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function JobsPage() {
  return (
    <>
      <PageHead title="Jobs" />
      <Empty title="This page is being built" />
    </>
  );
}
