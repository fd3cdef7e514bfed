import { PageHead } from '../app/page.js';
import { Empty } from '../parts/index.js';

export default function OperatorPage() {
  return (
    <>
      <PageHead title="Operator" />
      <Empty title="This page is being built" />
    </>
  );
}
