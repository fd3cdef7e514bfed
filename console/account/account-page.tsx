import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function AccountPage() {
  return (
    <>
      <PageHead title="Account" />
      <Empty title="This page is being built" />
    </>
  );
}
