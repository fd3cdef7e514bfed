/**
 * What became of a registration; nobody can join with what stands here. The names of the fields are those of answers
 * without a `kind`, so that a worker of an earlier build reads these, too.
 */
export type RegistrationAnswer = JoinCommandIssued | RegistrationRejected;

export interface JoinCommandIssued {
  kind: 'issued';
  tokenId: string;
  /** RFC 3339. */
  expiresAt: string;
  /** The node that it is for. */
  nodeName: string;
  /** That node is not there yet. */
  newNode?: true;
  /** An agent has it; otherwise its delivery remains to be seen to. */
  delivered?: true;
}

export interface RegistrationRejected {
  kind: 'rejected';
  /** Why there is no join command. */
  rejected: string;
  /** There will be one once the provider is approved. */
  awaitsApproval?: true;
}

/** What earlier builds answered, as histories hold it. */
export interface AnswerWithoutKind extends Omit<JoinCommandIssued, 'kind' | 'nodeName'> {
  rejected?: string;
  awaitsApproval?: true;
  /** Absent in what versions up to 0.1.0 answered. */
  nodeName?: string;
}
