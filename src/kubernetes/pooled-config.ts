import { Agent, type AgentOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';

/**
 * Less than the idle time after which the API server closes a connection (90 s), so that no request meets a closing
 * one.
 */
const idleMs = 30_000;

/**
 * The time limit of a call, including its response. The largest response, a page of a list of pods, takes a second or
 * two. Without the limit, a server that accepts the connection and never answers would block its caller for ever.
 */
const callWithinMs = 20_000;

/**
 * The client's configuration with two changes: calls have a time limit, and they share connections. The client creates
 * an agent for every call, and with it a connection and a mutual TLS handshake, which costs both ends more than most
 * calls do. Each watch keeps a connection of its own.
 */
export class PooledKubeConfig extends KubeConfig {
  #agent: Agent | undefined;
  #credentials: AgentOptions | undefined;

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    if (context.getSignal() === undefined) context.setSignal(AbortSignal.timeout(callWithinMs));
    const fresh = context.getAgent();
    // Any other kind of agent goes through a proxy and is left alone.
    if (fresh instanceof Agent && fresh.constructor === Agent) context.setAgent(this.#pooled(fresh.options));
  }

  /** Reuse the existing connections as long as they were made with the current credentials. */
  #pooled(credentials: AgentOptions): Agent {
    if (this.#agent === undefined || !isDeepStrictEqual(credentials, this.#credentials)) {
      this.#credentials = credentials;
      this.#agent = new Agent({ ...credentials, keepAlive: true, timeout: idleMs });
    }
    return this.#agent;
  }
}
