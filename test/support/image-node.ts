import { findImageNode, imageNode } from '../../engines/tools/image-node.js';
import { ToolMissing } from '../../engines/tools/tool.js';

export interface NodeForImage {
  path: string;
  /** Why it is not the Node of the image; undefined if it is. */
  missing?: string;
}

/**
 * The Node of the image, or this one where that cannot be had, which the run then says. In CI nothing stands in for
 * it: the file fails instead.
 */
export async function nodeOfImage(): Promise<NodeForImage> {
  try {
    return { path: (await findImageNode((line) => void process.stderr.write(`  ${line}\n`))).path };
  } catch (error) {
    if (!(error instanceof ToolMissing) || (process.env['CI'] ?? '') !== '') throw error;
    console.warn(`on Node ${process.versions.node} instead of ${imageNode.version}: ${error.message}`);
    return { path: process.execPath, missing: error.message };
  }
}
