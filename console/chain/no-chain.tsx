import { Empty, LinkButton } from '../parts/index.js';

/** In place of a page that only a broker with a chain has. */
export function NoChain() {
  return (
    <Empty
      title="This broker has nothing on a chain"
      action={
        <LinkButton kind="main" to="/cost">
          Costs
        </LinkButton>
      }
    >
      Jobs are paid in its own ledger: it takes no deposits, and settles with you outside of it.
    </Empty>
  );
}
