// Made by `npm run client:types` of the route table. Do not edit.

/** Routes that take no credential, or prove their sender by what they carry. */
export const openRoutes: readonly string[] = [
  'GET /',
  'GET /api/v1/market',
  'GET /api/v1/market/history',
  'GET /api/v1/mining/metrics',
  'GET /api/v1/offers',
  'GET /api/v1/providers',
  'GET /api/v1/providers/:id',
  'GET /api/v1/providers/:id/mining',
  'GET /api/v1/providers/:id/responses',
  'GET /api/v1/providers/gpu-availability',
  'GET /api/v1/providers/search',
  'GET /api/v1/site',
  'GET /health',
  'GET /openapi.json',
  'GET /ready',
  'POST /api/v1/auth/challenge',
  'POST /api/v1/auth/revoke',
  'POST /api/v1/auth/sessions',
  'POST /api/v1/providers/messages',
  'POST /api/v1/quotes',
  'PUT /api/v1/providers/:id/delegation',
];

/** Routes that take only a request that a session key has signed. */
export const signedRoutes: readonly string[] = [
  'DELETE /api/v1/admin/blocks/:kind/:value',
  'DELETE /api/v1/admin/jobs/:id',
  'DELETE /api/v1/auth/sessions',
  'GET /api/v1/admin/audit',
  'GET /api/v1/admin/blocks',
  'GET /api/v1/admin/blocks/:kind/:value',
  'GET /api/v1/admin/dead-letters',
  'GET /api/v1/admin/jobs',
  'GET /api/v1/admin/jobs/:id',
  'GET /api/v1/admin/jobs/:id/failure',
  'GET /api/v1/admin/overview',
  'GET /api/v1/admin/providers',
  'GET /api/v1/admin/stuck',
  'GET /api/v1/admin/tenants',
  'POST /api/v1/admin/broker-keys',
  'POST /api/v1/admin/providers/:id/approve',
  'POST /api/v1/admin/providers/:id/forgive',
  'POST /api/v1/auth/tokens',
  'PUT /api/v1/admin/blocks/:kind/:value',
];
