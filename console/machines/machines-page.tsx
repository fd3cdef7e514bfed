import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function MachinesPage() {
  return (
    <>
      <PageHead title="My machines" />
      <Empty title="This page is being built" />
    </>
  );
}
