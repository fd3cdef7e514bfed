// The certificate library's container needs this to be there before it is loaded.
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { V1CertificateSigningRequest } from '@kubernetes/client-node';
import { printable } from '../domain/outside.js';
import { unlessNotFound, type Kubernetes } from './client.js';
import { bootstrapGroup } from './names.js';
import { nodeOwner } from './nodes.js';

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
/** User names that the API server gives to holders of a bootstrap token; the token's id follows. */
export const bootstrapUserPrefix = 'system:bootstrap:';

const allowedUsages = new Set(['digital signature', 'key encipherment', 'client auth']);

export interface NodeCertificateInput {
  /** The name of the CertificateSigningRequest. */
  name: string;
  tokenId: string;
  providerId: string;
  nodeName: string;
  /** The provider leaves the fleet: nothing of it is approved any more. */
  leaving: boolean;
}

/**
 * Approves a node's certificate request, or denies it for good, so that nobody waits for what will not come. Only the
 * holder of this provider's token may ask, only for this provider's node, and only while no node of that name is
 * somebody else's: a join token is no way to become another's machine.
 */
export async function decideNodeCertificate(
  kubernetes: Kubernetes,
  input: NodeCertificateInput,
): Promise<{ approved: boolean; reason: string }> {
  const { certificates, core } = kubernetes;
  const request = await unlessNotFound(certificates.readCertificateSigningRequest({ name: input.name }));
  if (request === undefined) return { approved: false, reason: 'the request is gone' };
  const decided = request.status?.conditions?.find(({ type }) => type === 'Approved' || type === 'Denied');
  if (decided !== undefined) return { approved: decided.type === 'Approved', reason: printable(decided.message) ?? '' };

  const node = await unlessNotFound(core.readNode({ name: input.nodeName }));
  const owner = node === undefined ? undefined : nodeOwner(node);
  const objection =
    node !== undefined && owner !== undefined && owner !== input.providerId
      ? `the node ${input.nodeName} belongs to somebody else`
      : input.leaving
        ? 'the provider is being retired'
        : objectionTo(request, input);
  const approved = objection === undefined;
  request.status = {
    ...request.status,
    conditions: [
      {
        type: approved ? 'Approved' : 'Denied',
        status: 'True',
        reason: approved ? 'WorldlandProvider' : 'WorldlandRefused',
        message: objection ?? `node of provider ${input.providerId}`,
      },
    ],
  };
  await certificates.replaceCertificateSigningRequestApproval({ name: input.name, body: request });
  return { approved, reason: objection ?? '' };
}

/** Why a request is not what a kubelet of this provider would send; undefined when it is. */
export function objectionTo(
  request: V1CertificateSigningRequest,
  { tokenId, nodeName }: Pick<NodeCertificateInput, 'tokenId' | 'nodeName'>,
): string | undefined {
  const { spec } = request;
  if (spec.signerName !== kubeletClientSigner) return `the signer ${spec.signerName} is not for nodes`;
  if (spec.username !== `${bootstrapUserPrefix}${tokenId}`) return 'the request was not made with this token';
  if (spec.groups?.includes(bootstrapGroup) !== true) return 'the token is not one of the broker';
  if (spec.usages?.every((usage) => allowedUsages.has(usage)) !== true)
    return 'it asks for more than a client certificate';
  try {
    // The API holds the PEM text in base64.
    return objectionToContents(Buffer.from(spec.request, 'base64').toString('utf8'), nodeName);
  } catch {
    return 'the request is no PKCS #10';
  }
}

/** @throws whatever the parser does: only some of what can be wrong shows before a part of it is looked at. */
function objectionToContents(pem: string, nodeName: string): string | undefined {
  const parsed = new Pkcs10CertificateRequest(pem);
  const names = parsed.subjectName.toJSON();
  const values = (type: string) => names.flatMap((name) => name[type] ?? []);
  if (values('CN').join() !== `system:node:${nodeName}`)
    return `it asks for ${printable(values('CN').join()) ?? 'no name'}, not for ${nodeName}`;
  if (values('O').join() !== 'system:nodes') return 'it asks for another group than system:nodes';
  if (names.some((name) => Object.keys(name).some((type) => type !== 'CN' && type !== 'O')))
    return 'it asks for more names';
  if (parsed.getExtension('2.5.29.17') !== null) return 'it asks for alternative names';
  return undefined;
}
