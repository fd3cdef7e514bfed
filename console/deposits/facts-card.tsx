import type { Deposits } from '../../src/client/types.generated.js';
import { CopyIcon } from '../parts/copy-icon.js';
import { Card, plain } from '../parts/index.js';
import type { KnownVault } from './use-deposits.js';

/** Which vault, on which chain, of which token, for whoever looks it up elsewhere. */
export function FactsCard({ deposits, known: { place, decimals } }: { deposits: Deposits; known: KnownVault }) {
  const { confirmations, read_block: block, token } = deposits;
  return (
    <Card title="The vault">
      <dl class="facts">
        <div>
          <dt>Chain</dt>
          <dd>
            id <span class="num">{place.chainId}</span>
          </dd>
        </div>
        <Address name="Vault" address={place.vault} />
        <Address name="Token" address={place.token} />
        <div>
          <dt>Its unit</dt>
          <dd>
            {plain(token?.symbol, 12)}, {decimals} decimals
          </dd>
        </div>
        <div>
          <dt>Final</dt>
          <dd>
            {confirmations === 'finalized' ? 'when the chain says so' : `after ${confirmations} blocks`}
            {block !== null && (
              <>
                ; booked up to block <span class="num">{block}</span>
              </>
            )}
          </dd>
        </div>
      </dl>
    </Card>
  );
}

function Address({ name, address }: { name: string; address: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="with-copy">
        <code>{address}</code>
        <CopyIcon text={address} what={`the address of the ${name.toLowerCase()}`} />
      </dd>
    </div>
  );
}
