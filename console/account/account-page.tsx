import { PageHead } from '../app/page.js';
import { login, logOut, toast } from '../live/index.js';
import { Button, ConnectFirst } from '../parts/index.js';
import { CapCard } from '../cost/cap-card.js';
import { SessionCard } from './session-card.js';
import { SessionsCard } from './sessions-card.js';
import { SshKeysCard } from './ssh-keys-card.js';
import { TokensCard } from './tokens-card.js';

/** Who is here, what this browser may do, and who else may do something in the wallet's name. */
export default function AccountPage() {
  const who = login.value;
  if (who === undefined) {
    return (
      <>
        <PageHead title="Account" />
        <ConnectFirst what="Sessions, tokens and keys" />
      </>
    );
  }
  return (
    <>
      <PageHead title="Account">
        <Button onClick={() => void leave()}>Log out</Button>
      </PageHead>
      <SessionCard key={who.sessionId} />
      <CapCard />
      <SessionsCard />
      <TokensCard />
      <SshKeysCard />
    </>
  );
}

async function leave(): Promise<void> {
  try {
    await logOut();
    toast('You are logged out, here and at the broker.');
  } catch {
    toast('You are logged out here. The broker did not answer: the session ends there by itself.', 'bad');
  }
}
