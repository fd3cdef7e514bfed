import type { Config } from '../config.js';

export type WorkflowLinkConfig = Pick<Config, 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>;

/** Where the Temporal UI shows a workflow; nothing unless `TEMPORAL_UI_URL` is set. */
export function workflowLink(config: WorkflowLinkConfig, workflowId: string): { workflow_url?: string } {
  if (config.TEMPORAL_UI_URL === undefined) return {};
  // The UI writes the colon as it is, and so do the links that people compare.
  const id = encodeURIComponent(workflowId).replaceAll('%3A', ':');
  const namespace = encodeURIComponent(config.TEMPORAL_NAMESPACE);
  return { workflow_url: `${config.TEMPORAL_UI_URL}/namespaces/${namespace}/workflows/${id}` };
}
