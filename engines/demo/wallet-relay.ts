import { serveNode } from './wallet-node.js';

const { node, origin } = (globalThis as unknown as { demoNode: { node: string; origin: string } }).demoNode;
serveNode(node, origin);
