import helmet from 'koa-helmet';

/** The API answers JSON to programs: a browser must not render, frame or run any of it. */
export const securityHeaders = () =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // CORS decides who may read a response from another origin; `same-origin` would forbid it to everyone.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    frameguard: { action: 'deny' },
    // These headers concern pages, downloads and plug-ins, which the API does not have.
    dnsPrefetchControl: false,
    ieNoOpen: false,
    originAgentCluster: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
  });
