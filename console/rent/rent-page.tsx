import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function RentPage() {
  return (
    <>
      <PageHead title="Rent" />
      <Empty title="This page is being built" />
    </>
  );
}
