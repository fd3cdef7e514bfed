import { Agent, type AgentOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';

/** Sooner than the API server closes a connection that nobody uses (90 s), so that no request meets one that is closing. */
const idleMs = 30_000;

/**
 * How long a call may take, its answer included. A page of a list of pods, the most that is asked for at once, takes a
 * second or two; a server that takes the connection and answers nothing would hold up its caller for ever.
 */
const callWithinMs = 20_000;

/**
 * The client's configuration, but for two things. Calls have an end. And they share connections. The client makes an agent for every call, and
 * with it a connection and a TLS handshake with certificates on both sides, which costs both ends more than most calls.
 * Watches keep a connection each.
 */
export class PooledKubeConfig extends KubeConfig {
  #agent: Agent | undefined;
  #credentials: AgentOptions | undefined;

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    if (context.getSignal() === undefined) context.setSignal(AbortSignal.timeout(callWithinMs));
    const fresh = context.getAgent();
    // Another kind of agent is one that goes through a proxy, which has its own ways.
    if (fresh instanceof Agent && fresh.constructor === Agent) context.setAgent(this.#pooled(fresh.options));
  }

  /** The connections of before are used as long as they were made with what would be presented now. */
  #pooled(credentials: AgentOptions): Agent {
    if (this.#agent === undefined || !isDeepStrictEqual(credentials, this.#credentials)) {
      this.#credentials = credentials;
      this.#agent = new Agent({ ...credentials, keepAlive: true, timeout: idleMs });
    }
    return this.#agent;
  }
}
