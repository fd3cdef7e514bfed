import type { AdminProvider } from '../../src/client/types.generated.js';
import { actAsOperator, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { CommandLine, plain, Untrusted } from '../parts/index.js';

interface ApproveSheetProps {
  provider: AdminProvider;
  onClose(): void;
}

/** Admits a provider that does not sign. The wallet goes along: if it changes meanwhile, nothing is approved. */
export function ApproveSheet({ provider: { provider_id: id, wallet_addr: wallet }, onClose }: ApproveSheetProps) {
  const run = async () => {
    await actAsOperator((client) => client.admin.providers.approve(id, { wallet }));
    toast(`${plain(id, 60)} may join.`, 'good');
    refresh('operator');
  };
  return (
    <ActionDialog
      title={
        <>
          Approve <Untrusted text={id} max={60} />
        </>
      }
      confirm="Approve"
      run={run}
      onClose={onClose}
    >
      <p>It does not sign what it sends. Compare this wallet with what its owner told you: it is paid.</p>
      <CommandLine text={plain(wallet, 60)} what="the wallet" />
    </ActionDialog>
  );
}
