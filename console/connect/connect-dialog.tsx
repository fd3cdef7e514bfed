import type { Ask } from '../live/index.js';
import { Button, Dialog } from '../parts/index.js';

/** The dialogs that ask a wallet. */
export default function ConnectDialog({ question }: { question: Ask }) {
  return (
    <Dialog
      title="Connect a wallet"
      onClose={() => question.settle(false)}
      footer={<Button onClick={() => question.settle(false)}>Close</Button>}
    >
      <p>This part is being built.</p>
    </Dialog>
  );
}
