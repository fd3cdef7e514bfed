/**
 * What became of a registration; it holds no secret that lets anybody join. The fields have the names that answers
 * without a `kind` use, so that a worker of an earlier build can read these, too.
 */
export type RegistrationAnswer = JoinCommandIssued | RegistrationRejected;

export interface JoinCommandIssued {
  kind: 'issued';
  tokenId: string;
  /** RFC 3339. */
  expiresAt: string;
  /** The node that it is for. */
  nodeName: string;
  /** Set if that node does not exist yet. */
  newNode?: true;
  /** An agent has taken the answer; if absent, its delivery still has to be ensured. */
  delivered?: true;
}

export interface RegistrationRejected {
  kind: 'rejected';
  /** Why there is no join command. */
  rejected: string;
  /** A join command follows once the provider is approved. */
  awaitsApproval?: true;
}

/** What earlier builds returned, as histories hold it. */
export interface AnswerWithoutKind extends Omit<JoinCommandIssued, 'kind' | 'nodeName'> {
  rejected?: string;
  awaitsApproval?: true;
  /** Absent in what versions up to 0.1.0 returned. */
  nodeName?: string;
}
