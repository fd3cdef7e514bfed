import type { Address, Hex } from 'viem';
import {
  anySpec,
  providerDomain,
  providerRegistrationTypes,
  type ProviderRegistration,
} from '../../src/wire/provider-typed-data.js';
import { delegationForWallet, delegationStatement, type SessionDelegation } from '../../src/wire/session-typed-data.js';
import type { LoginSignRequest, ProviderSignRequest } from '../../src/wire/sign-page.js';
import { domainType } from '../../src/wire/typed-data-domain.js';

/** What the wallet is given to sign, and what of it the terminal does not know yet. */
export interface ToSign {
  typedData: object;
  wallet: Address;
  chainId: number;
  issuedAt: number;
  expiresAt: number;
  nonce: Hex;
}

export interface Signer {
  wallet: Address;
  chainId: number;
  /** The origin that the signature is valid for. */
  audience: string;
  /** Unix seconds, by the clock of this computer. */
  nowS: number;
}

/** How far the broker's clock may be from this computer's: it also says when what is signed ends. */
const maxSkewS = 600;

/** The broker proposes something else than was asked for; the message is a sentence for the person at the screen. */
export class ProposalError extends Error {
  override readonly name = 'ProposalError';
}

/**
 * What to sign for a login. The broker's proposal only brings the times and the nonce: everything else is put together
 * here from what was asked, and the proposal has to agree with all of it.
 *
 * @param proposed `typed_data` of the broker's reply, unchecked.
 * @throws ProposalError
 */
export function loginToSign(request: LoginSignRequest, signer: Signer, proposed: unknown): ToSign {
  const { message, domain, primaryType } = asRecord(proposed);
  const said = asRecord(message);
  const { wallet, chainId, audience } = signer;
  const issuedAt = wholeNumber(said['issuedAt']);
  const expiresAt = wholeNumber(said['expiresAt']);
  const nonce = said['nonce'];
  requireSame('another form of message', primaryType, 'SessionDelegation');
  requireSame('another broker', said['audience'], audience);
  requireSame('another wallet', lower(said['wallet']), wallet);
  requireSame('another session key', lower(said['sessionKey']), request.sessionKey);
  requireSame('another text', said['statement'], delegationStatement);
  requireSame('other rights', said['scopes'], [...new Set(request.scopes)].sort().join(' '));
  requireSame('another spending limit', said['spendLimit'], request.spendLimit);
  requireSame('another chain', wholeNumber(asRecord(domain)['chainId']), chainId);
  if (typeof nonce !== 'string' || !/^0x[0-9a-f]{64}$/.test(nonce)) throw proposes('no usable nonce');
  if (expiresAt - issuedAt !== request.ttlSeconds) throw proposes('another length of time');
  if (Math.abs(issuedAt - signer.nowS) > maxSkewS) {
    throw new ProposalError(
      'The clock of this computer and that of the broker are more than ten minutes apart. Set the clock of this computer, then try again.',
    );
  }
  const checked: SessionDelegation = {
    ...{ wallet, sessionKey: request.sessionKey, audience, statement: delegationStatement },
    ...{ scopes: said['scopes'] as string, spendLimit: BigInt(request.spendLimit) },
    ...{ issuedAt, expiresAt, nonce: nonce as Hex },
  };
  return {
    typedData: delegationForWallet(checked, chainId),
    wallet,
    chainId,
    issuedAt,
    expiresAt,
    nonce: checked.nonce,
  };
}

/** What to sign so that a machine's key may speak for a provider. The broker proposes nothing here. */
export function providerToSign(request: ProviderSignRequest, signer: Signer, nonce: Hex): ToSign {
  const { wallet, chainId, audience, nowS } = signer;
  const message: ProviderRegistration = {
    ...{ providerId: request.providerId, wallet, nodeKey: request.nodeKey, specHash: anySpec, audience },
    ...{ issuedAt: nowS, expiresAt: nowS + request.validForS, nonce },
  };
  const typedData = {
    types: { EIP712Domain: domainType, ...providerRegistrationTypes },
    primaryType: 'ProviderRegistration',
    domain: providerDomain(chainId),
    message,
  };
  return { typedData, wallet, chainId, issuedAt: message.issuedAt, expiresAt: message.expiresAt, nonce };
}

function requireSame(what: string, proposed: unknown, asked: unknown): void {
  if (proposed !== asked) throw proposes(what);
}

function proposes(what: string): ProposalError {
  return new ProposalError(
    `The broker proposes ${what} than your terminal asked for, so your wallet was not asked. Nothing was signed. Run the command again; if this comes again, do not use this broker.`.replace(
      'no usable nonce than your terminal asked for',
      'a message that cannot be used',
    ),
  );
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function lower(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

/** Integers come as numbers or as decimal strings; anything else equals nothing. */
function wholeNumber(value: unknown): number {
  if (typeof value === 'string' && /^[0-9]{1,15}$/.test(value)) return Number(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : Number.NaN;
}
