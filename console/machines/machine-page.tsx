import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function MachinePage() {
  return (
    <>
      <PageHead title="Machine" />
      <Empty title="This page is being built" />
    </>
  );
}
