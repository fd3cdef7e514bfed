import { createHaveLeft } from './authorizer/departed.js';
import { startAuthorizer } from './authorizer/server.js';
import type { StartRole } from './role.js';

/** Tells the cluster which nodes have left the fleet. */
export const start: StartRole = async ({ config, logger, pool }) => {
  const authorizer = await startAuthorizer(config, createHaveLeft(pool));
  logger.info({ port: authorizer.address.port }, 'the authorizer is listening');
  return { stop: () => authorizer.stop() };
};
