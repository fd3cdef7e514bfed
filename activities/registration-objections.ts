import type { Config } from '../src/config.js';
import type { RegistrationStanding } from '../src/db/provider-approvals.js';
import type { StoredRegistration } from '../src/db/registrations.js';
import { canSealFor } from '../src/wire/sealed-answer.js';

/** A registration, with what decides whether it gets a join command. */
export interface Candidate {
  stored: StoredRegistration;
  standing: RegistrationStanding;
  mode: Config['PROVIDER_AUTH_MODE'];
}

/** The same once it was written down. */
export interface RecordedCandidate extends Candidate {
  /** Whether the provider was retired after this registration came. */
  isRetired(): Promise<boolean>;
}

/** Why a registration gets no join command, and what its agent is told of that. */
export interface Objection {
  message: string;
  /**
   * `rejected` and `pending` take the place of whatever answer waits; `rejected_unless_answered` leaves one that waits
   * where it is, because it belongs to somebody else; `nothing` tells nobody.
   */
  tells: 'rejected' | 'pending' | 'rejected_unless_answered' | 'nothing';
}

/** An objection that comes before anything of the registration is written down. */
export function belongsToAnotherWallet({ stored, standing, mode }: Candidate): Objection | undefined {
  // The registration arrived before the owner was known.
  if (mode === 'off' || stored.signed || !standing.isAnothers) return undefined;
  return { message: 'the provider id belongs to another wallet', tells: 'rejected_unless_answered' };
}

type Check = (candidate: RecordedCandidate) => Objection | undefined | Promise<Objection | undefined>;

/** The first of these that objects decides. */
const checks: readonly Check[] = [wasRetiredSince, awaitsApproval, lacksSignature, namesNoUsableKey];

/** Why a registration that was written down gets no join command; undefined where it gets one. */
export async function objectionTo(candidate: RecordedCandidate): Promise<Objection | undefined> {
  for (const check of checks) {
    const objection = await check(candidate);
    if (objection !== undefined) return objection;
  }
  return undefined;
}

async function wasRetiredSince({ isRetired }: RecordedCandidate): Promise<Objection | undefined> {
  if (!(await isRetired())) return undefined;
  return { message: 'the provider was retired after this registration', tells: 'nothing' };
}

function awaitsApproval({ stored, standing, mode }: RecordedCandidate): Objection | undefined {
  if (mode !== 'permissive' || stored.signed || standing.approved) return undefined;
  const message = 'registered without a signature: its owner or an operator has to approve it before it may join';
  return { message, tells: 'pending' };
}

/** It was let into the stream in another mode than the one that is in force now. */
function lacksSignature({ stored, mode }: RecordedCandidate): Objection | undefined {
  return mode === 'required' && !stored.signed ? { message: 'signature required', tells: 'rejected' } : undefined;
}

function namesNoUsableKey({ stored }: RecordedCandidate): Objection | undefined {
  const { encKey } = stored.registration;
  if (encKey === undefined || canSealFor(encKey)) return undefined;
  return { message: 'enc_key is no key that an answer can be sealed for', tells: 'rejected' };
}
