import type { Config } from '../src/config.js';
import { whyUnreachable } from '../src/closed-addresses.js';
import type { RegistrationRecord } from '../src/db/provider-approvals.js';
import type { StoredRegistration } from '../src/db/registrations.js';
import { isSshHost } from '../src/domain/job.js';
import { canSealFor } from '../src/wire/sealed-answer.js';

/** A registration, with what decides whether it gets a join command. */
export interface Candidate {
  stored: StoredRegistration;
  record: RegistrationRecord;
  mode: Config['PROVIDER_AUTH_MODE'];
}

/** The same, once the registration was recorded. */
export interface RecordedCandidate extends Candidate {
  /** Whether the provider was retired after this registration came. */
  isRetired(): Promise<boolean>;
}

/** Why a registration gets no join command, and what its agent is told. */
export interface Objection {
  message: string;
  /**
   * `rejected` and `pending` replace an answer that waits; `rejected_unless_answered` keeps it, because it belongs to
   * another sender; `nothing` sends no answer.
   */
  tells: 'rejected' | 'pending' | 'rejected_unless_answered' | 'nothing';
}

/** An objection that is raised before anything of the registration is recorded. */
export function belongsToAnotherWallet({ stored, record, mode }: Candidate): Objection | undefined {
  // The registration arrived before the owner was known.
  if (mode === 'off' || stored.signed || !record.isAnothers) return undefined;
  return { message: 'the provider id belongs to another wallet', tells: 'rejected_unless_answered' };
}

/**
 * The same for an address at which no customer could log in. It is not recorded: jobs of the provider would be shown it.
 *
 * @param opened otherwise closed ranges in which machines of this site may stand.
 */
export function standsOutOfReach({ stored }: Candidate, opened: readonly string[]): Objection | undefined {
  const { publicIp } = stored.registration.spec;
  // What is no address at all is not used: its node's own is.
  const why = isSshHost(publicIp) ? whyUnreachable(publicIp, opened) : undefined;
  if (why === undefined) return undefined;
  const remedy = 'start the agent with --public-ip and the address at which the internet reaches the machine';
  return { message: `customers cannot reach the address ${publicIp} (${why}): ${remedy}`, tells: 'rejected' };
}

type Check = (candidate: RecordedCandidate) => Objection | undefined | Promise<Objection | undefined>;

/** The first check that objects decides. */
const checks: readonly Check[] = [wasRetiredSince, awaitsApproval, lacksSignature, namesNoUsableKey];

/** Why a recorded registration gets no join command; undefined if it gets one. */
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

function awaitsApproval({ stored, record, mode }: RecordedCandidate): Objection | undefined {
  if (mode !== 'permissive' || stored.signed || record.approved) return undefined;
  const message = 'registered without a signature: its owner or an operator has to approve it before it may join';
  return { message, tells: 'pending' };
}

/** It was accepted into the stream in another mode than the present one. */
function lacksSignature({ stored, mode }: RecordedCandidate): Objection | undefined {
  return mode === 'required' && !stored.signed ? { message: 'signature required', tells: 'rejected' } : undefined;
}

function namesNoUsableKey({ stored }: RecordedCandidate): Objection | undefined {
  const { encKey } = stored.registration;
  if (encKey === undefined || canSealFor(encKey)) return undefined;
  return { message: 'enc_key is no key that an answer can be sealed for', tells: 'rejected' };
}
