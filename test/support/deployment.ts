import { AuthenticationV1Api, type KubeConfig } from '@kubernetes/client-node';

export { apply, brokerAccount, kubeconfigOf, manifests } from '../../engines/kubernetes/broker-account.js';

/** A kubeconfig's user name, according to the API server. */
export async function userOf(config: KubeConfig): Promise<string | undefined> {
  const review = await config.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
  return review.status?.userInfo?.username;
}
