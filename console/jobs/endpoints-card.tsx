import type { ComponentChildren } from 'preact';
import type { Job } from '../../src/client/shapes.js';
import { sshTargetOf, type SshTarget } from '../../src/words/ssh-target.js';
import { Badge, Card, CommandLine, Copy, Untrusted } from '../parts/index.js';
import { endpointsOf, hiddenPage, tunnelTo, type ShownEndpoint } from './endpoints.js';

const tokenUses: Readonly<Record<string, string>> = {
  query: 'It is in the links above.',
  bearer: 'Programs send it as Authorization: Bearer TOKEN.',
  password: 'Its page asks for it.',
};

/** Where what runs in a job is reached: its ports, its page and its token. */
export function EndpointsCard({ job }: { job: Job }) {
  const target = sshTargetOf(job);
  const endpoints = endpointsOf(job);
  const hidden = hiddenPage(job);
  if (endpoints.length === 0 && hidden === undefined) return null;
  return (
    <Card title="Reach it">
      <ul class="endpoints">
        {endpoints.map((endpoint) => (
          <li key={endpoint.port}>
            <Endpoint endpoint={endpoint} target={target} path={pathOf(job, endpoint.port)} />
          </li>
        ))}
        {hidden !== undefined && target !== undefined && (
          <li>
            <p>
              Its page is on port <span class="num">{hidden.port}</span>, which nobody reaches but through SSH:
            </p>
            <ThroughSsh target={target} port={hidden.port} path={hidden.path} />
          </li>
        )}
      </ul>
      <Token job={job} />
    </Card>
  );
}

function pathOf({ template_page: page }: Job, port: number): string | undefined {
  return page?.port === port ? page.path : undefined;
}

interface EndpointProps {
  endpoint: ShownEndpoint;
  target: SshTarget | undefined;
  path: string | undefined;
}

function Endpoint({ endpoint, target, path }: EndpointProps) {
  const { name, port, protocol, address, url, shownUrl, hasSecret, isPlain } = endpoint;
  return (
    <>
      <div class="endpoint-head">
        <span class="endpoint-name">
          <Untrusted text={name} max={63} />
        </span>
        <span class="soft small">
          port <span class="num">{port}</span>
        </span>
        {isPlain ? (
          <Badge tone="warn">plain HTTP</Badge>
        ) : (
          <span class="soft small">{Object.hasOwn(protocols, protocol) ? protocols[protocol] : 'TCP'}</span>
        )}
      </div>
      <div class="endpoint-address">
        {url === undefined ? (
          <code>{address}</code>
        ) : (
          <a href={url} target="_blank" rel="noopener noreferrer">
            {shownUrl}
            <span class="hidden-text">, opens a new tab</span>
          </a>
        )}
        <Copy text={url ?? address} what={`the ${url === undefined ? 'address' : 'link'} of port ${port}`}>
          {url === undefined ? 'Copy' : 'Copy link'}
        </Copy>
      </div>
      {isPlain && (
        <PlainNote hasSecret={hasSecret}>
          {target !== undefined && <ThroughSsh target={target} port={port} path={path} />}
        </PlainNote>
      )}
    </>
  );
}

const protocols: Readonly<Record<string, string>> = { https: 'HTTPS', tcp: 'TCP', udp: 'UDP' };

function PlainNote({ hasSecret, children }: { hasSecret: boolean; children: ComponentChildren }) {
  return (
    <details class="endpoint-note">
      <summary>It is not encrypted. Reach it through SSH instead</summary>
      <p class="small soft">
        Whoever is between you and the machine can read what is sent, and change it
        {hasSecret ? '; the token in the link, too' : ''}. Through SSH it is encrypted:
      </p>
      {children}
    </details>
  );
}

function ThroughSsh({ target, port, path }: { target: SshTarget; port: number; path: string | undefined }) {
  const { command, url } = tunnelTo(target, port, path);
  return (
    <>
      <CommandLine text={command} what={`the command with a tunnel to port ${port}`} />
      <p class="small soft">
        While it runs, it is at <code>{url}</code> on your computer.
      </p>
    </>
  );
}

function Token({ job: { template_token: token, template_token_used_as: use } }: { job: Job }) {
  if (token === undefined) return null;
  return (
    <div class="endpoint-token">
      <p>
        <span class="soft small">Token of the job:</span>{' '}
        <span class="small">{use !== undefined && Object.hasOwn(tokenUses, use) && tokenUses[use]}</span>
      </p>
      <Copy text={token} what="the token of the job">
        Copy token
      </Copy>
    </div>
  );
}
