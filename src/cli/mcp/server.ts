import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { WorldLandError } from '../../client/index.js';
import { cleanJson } from '../../words/clean.js';
import { ownVersion } from '../version.js';
import { createTools, type Tool, type ToolsDeps } from './tools.js';

/** A server of the Model Context Protocol with the tools; it is connected by its caller. */
export function createMcpServer(deps: Omit<ToolsDeps, 'ask'>): Server {
  const server = new Server({ name: 'worldland', version: ownVersion() }, { capabilities: { tools: {} } });
  const tools = createTools({ ...deps, ask: (question) => asked(server, question) });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(({ name, description, inputSchema, isReadOnly }) => ({
      ...{ name, description, inputSchema },
      annotations: { readOnlyHint: isReadOnly, destructiveHint: name === 'down' },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined) return failed(`there is no tool ${params.name}`);
    return await answered(tool, params.arguments ?? {});
  });
  return server;
}

/** Asks the person behind the client, where the client has said that it can. */
function asked(server: Server, message: string): Promise<boolean> | undefined {
  if (server.getClientCapabilities()?.elicitation === undefined) return undefined;
  const requestedSchema = {
    type: 'object' as const,
    properties: { agree: { type: 'boolean' as const, title: 'Pay this' } },
    required: ['agree'],
  };
  return server
    .elicitInput({ message, requestedSchema })
    .then(({ action, content }) => action === 'accept' && content?.['agree'] === true);
}

async function answered(tool: Tool, input: Record<string, unknown>) {
  const known = Object.keys(tool.inputSchema.properties);
  const unknown = Object.keys(input).filter((name) => !known.includes(name));
  if (unknown.length > 0) return failed(`${unknown.join(', ')}: unknown; ${tool.name} takes ${known.join(', ')}`);
  try {
    // Texts of strangers are in it: no control character reaches whoever reads it.
    return { content: [{ type: 'text' as const, text: cleanJson(await tool.run(input)) }] };
  } catch (error) {
    if (!(error instanceof WorldLandError)) throw error;
    const { code, detail, fields, data } = error;
    return failed(cleanJson({ code, detail, ...(fields === undefined ? {} : { fields }), ...data }));
  }
}

function failed(text: string) {
  return { isError: true, content: [{ type: 'text' as const, text }] };
}
