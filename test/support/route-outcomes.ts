/** A route's response to a valid request. */
export interface Outcome {
  /** The status for the owner, or for an operator if the route is for operators. */
  taken: number;
  /** Set if the route needs Temporal, and fails while it is down. */
  away?: 503;
}

/**
 * The response of each route that requires a credential to a permitted caller. Written by hand: the statuses are part
 * of the API, and a handler that throws returns another one.
 */
export const outcomes: Record<string, Outcome> = {
  'GET /api/v1/auth/me': { taken: 200 },
  'GET /api/v1/auth/sessions': { taken: 200 },
  'DELETE /api/v1/auth/sessions': { taken: 204 },
  'POST /api/v1/auth/tokens': { taken: 201 },
  'DELETE /api/v1/auth/sessions/:id': { taken: 204 },
  'DELETE /api/v1/auth/tokens/:id': { taken: 204 },

  'GET /api/v1/jobs': { taken: 200 },
  'POST /api/v1/jobs': { taken: 202, away: 503 },
  'GET /api/v1/jobs/:id': { taken: 200 },
  'PATCH /api/v1/jobs/:id': { taken: 200 },
  'GET /api/v1/jobs/:id/events': { taken: 200 },
  'GET /api/v1/jobs/:id/logs': { taken: 200 },
  'GET /api/v1/events': { taken: 200 },
  'DELETE /api/v1/jobs/:id': { taken: 202, away: 503 },
  'POST /api/v1/jobs/:id/extend': { taken: 200, away: 503 },
  // The row has it; the reconciler tells the workflow.
  'POST /api/v1/jobs/:id/ssh-keys': { taken: 201 },

  'GET /api/v1/billing': { taken: 200 },
  'GET /api/v1/billing/balance': { taken: 200 },
  'GET /api/v1/billing/entries': { taken: 200 },
  'GET /api/v1/billing/statements/:month': { taken: 200 },
  'GET /api/v1/billing/deposits': { taken: 200 },
  'POST /api/v1/billing/permits': { taken: 204 },
  'POST /api/v1/billing/withdrawals': { taken: 201, away: 503 },
  'PUT /api/v1/billing/monthly-cap': { taken: 200 },
  'DELETE /api/v1/billing/monthly-cap': { taken: 204 },
  'GET /api/v1/receipts': { taken: 200 },
  'GET /api/v1/receipts/:digest': { taken: 200 },
  'GET /api/v1/jobs/:id/receipt': { taken: 200 },
  'GET /api/v1/ssh-keys': { taken: 200 },
  'POST /api/v1/ssh-keys': { taken: 201 },
  'DELETE /api/v1/ssh-keys/:id': { taken: 204 },

  'POST /api/v1/providers/:id/claim': { taken: 200, away: 503 },
  'GET /api/v1/me/providers': { taken: 200 },
  'GET /api/v1/me/earnings': { taken: 200 },
  'GET /api/v1/me/earnings/payouts': { taken: 200 },
  'GET /api/v1/me/earnings/receipts': { taken: 200 },
  'GET /api/v1/me/earnings/receipts/:digest': { taken: 200 },
  'GET /api/v1/providers/:id/earnings': { taken: 200 },
  'GET /api/v1/providers/:id/jobs': { taken: 200 },
  'GET /api/v1/providers/:id/usage': { taken: 200 },
  // Placement has them from the database; the provider's workflow catches up.
  'PUT /api/v1/providers/:id/prices': { taken: 200 },
  'DELETE /api/v1/providers/:id/prices': { taken: 200 },
  'POST /api/v1/providers/:id/cordon': { taken: 200, away: 503 },
  'POST /api/v1/providers/:id/uncordon': { taken: 200, away: 503 },
  'POST /api/v1/providers/:id/drain': { taken: 200, away: 503 },
  'POST /api/v1/providers/:id/maintenance': { taken: 200, away: 503 },
  'POST /api/v1/providers/:id/retire': { taken: 202, away: 503 },
  'POST /api/v1/providers/:id/mining/start': { taken: 200, away: 503 },
  'POST /api/v1/providers/:id/mining/stop': { taken: 200, away: 503 },
  'POST /api/v1/providers/:id/mining/allocate': { taken: 200 },
  'POST /api/v1/providers/:id/mining/release': { taken: 200 },

  'POST /api/v1/admin/providers/:id/approve': { taken: 200, away: 503 },
  // The next assessment by the provider's workflow catches up.
  'POST /api/v1/admin/providers/:id/forgive': { taken: 200 },
  'GET /api/v1/admin/jobs': { taken: 200 },
  'POST /api/v1/admin/jobs/:id/refunds': { taken: 201 },
  'GET /api/v1/admin/settlements': { taken: 200 },
  'POST /api/v1/admin/settlements/resume': { taken: 200 },
  'POST /api/v1/admin/payouts': { taken: 201 },
  'POST /api/v1/admin/payments': { taken: 201 },
  'POST /api/v1/admin/debts': { taken: 201 },
  'GET /api/v1/admin/revenue': { taken: 200 },
  'GET /api/v1/admin/jobs/:id': { taken: 200 },
  'DELETE /api/v1/admin/jobs/:id': { taken: 202, away: 503 },
  'GET /api/v1/admin/receipts': { taken: 200 },
  'GET /api/v1/admin/bookings': { taken: 200 },
  'GET /api/v1/admin/overview': { taken: 200 },
  'GET /api/v1/admin/stuck': { taken: 200, away: 503 },
  'GET /api/v1/admin/dead-letters': { taken: 200 },
  'GET /api/v1/admin/audit': { taken: 200 },
  'GET /api/v1/admin/providers': { taken: 200 },
  'GET /api/v1/admin/blocks': { taken: 200 },
  'GET /api/v1/admin/blocks/:kind/:value': { taken: 200 },
  'PUT /api/v1/admin/blocks/:kind/:value': { taken: 200 },
  'DELETE /api/v1/admin/blocks/:kind/:value': { taken: 204 },
  'GET /api/v1/admin/jobs/:id/failure': { taken: 200 },
  'POST /api/v1/admin/broker-keys': { taken: 201 },
  'GET /api/v1/admin/tenants': { taken: 200 },
};

/** The same for routes that are open to everybody; `openAttempts` has the requests. */
export const openOutcomes: Record<string, number> = {
  'GET /': 200,
  'GET /health': 200,
  'GET /ready': 200,
  'GET /openapi.json': 200,
  'GET /api/v1/providers': 200,
  'GET /api/v1/providers/:id': 200,
  'GET /api/v1/providers/search': 200,
  'GET /api/v1/site': 200,
  'GET /api/v1/templates': 200,
  'GET /api/v1/receipts/keys': 200,
  'GET /api/v1/settlements': 200,
  'GET /api/v1/settlements/:number': 200,
  'GET /api/v1/offers': 200,
  'GET /api/v1/market': 200,
  'GET /api/v1/market/history': 200,
  'POST /api/v1/quotes': 200,
  'GET /api/v1/providers/gpu-availability': 200,
  'GET /api/v1/providers/:id/mining': 200,
  'GET /api/v1/mining/metrics': 200,
  'POST /api/v1/auth/challenge': 200,
  'POST /api/v1/auth/revoke': 204,
  'POST /api/v1/providers/messages': 202,
  'GET /api/v1/providers/:id/responses': 200,
  'PUT /api/v1/providers/:id/delegation': 202,
};
