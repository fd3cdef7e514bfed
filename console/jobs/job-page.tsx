import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function JobPage() {
  return (
    <>
      <PageHead title="Job" />
      <Empty title="This page is being built" />
    </>
  );
}
