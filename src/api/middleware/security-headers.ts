import helmet from 'koa-helmet';

/** The API answers JSON to programs: a browser may neither render, frame nor run anything of it. */
export const securityHeaders = () =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // Who may read an answer from another origin is CORS's to say; `same-origin` would forbid it to everybody.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    frameguard: { action: 'deny' },
    // These say something about pages, downloads and plug-ins, of which there are none.
    dnsPrefetchControl: false,
    ieNoOpen: false,
    originAgentCluster: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
  });
