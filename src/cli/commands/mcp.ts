import { join } from 'node:path';
import { createContext, type Context } from '../context.js';
import { usage } from '../failure.js';
import { orderKeys } from '../public-keys.js';

/**
 * Serves a program that speaks the Model Context Protocol, over standard input and output, with a login of its own: the
 * wallet has signed how much that one may spend, and the person's own login is not used.
 */
export async function run(context: Context): Promise<void> {
  const folder = join(context.folder, 'mcp');
  // A token of the person's would have the person's limit.
  const { WORLDLAND_TOKEN: _token, ...env } = context.env;
  const own = createContext({ ...env, WORLDLAND_CONFIG_DIR: folder, WORLDLAND_API: context.api() }, context.global);
  const client = await own.client();
  if ((await client.restore()) === undefined) {
    const remedy = `WORLDLAND_CONFIG_DIR=${folder} wl --api ${context.api()} login --spend-limit 5 --label mcp`;
    throw usage('this program needs a login of its own, with a limit of its own', remedy);
  }
  const { createMcpServer } = await import('../mcp/server.js');
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const keys = async () => {
    const { identity: _, ...found } = await orderKeys(client, [], context.settings.key);
    return found;
  };
  const server = createMcpServer({ client, keys });
  const closed = new Promise<void>((resolve) => (server.onclose = resolve));
  process.stdin.once('end', () => void server.close());
  await server.connect(new StdioServerTransport());
  await closed;
}
