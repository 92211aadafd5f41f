// SPDX-License-Identifier: MIT
import * as http from 'node:http'
import * as https from 'node:https'

/** What hawser adds to Node's options, for both classes. */
export interface PoolOptions {
  /**
   * Keep connections open and use them again.
   * @default true (http.Agent: false)
   */
  keepAlive?: boolean
  /**
   * Close a connection that has been idle this long, in milliseconds; 0: never.
   * A shorter `Keep-Alive: timeout=` of the server wins, less
   * `agentKeepAliveTimeoutBuffer`.
   * @default 4000
   */
  freeSocketTimeout?: number
  /**
   * What to take off the server's `Keep-Alive: timeout=` hint, in milliseconds,
   * so that the connection is given up before the server does it.
   * @default 1000
   */
  agentKeepAliveTimeoutBuffer?: number
}

export interface AgentOptions extends http.AgentOptions, PoolOptions {}

export interface HttpsAgentOptions extends https.AgentOptions, PoolOptions {}

/**
 * An `http.Agent` whose pool, sockets and response parser are native. Pass it
 * as `agent` to `http.request()`.
 *
 * Throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` and
 * `ERR_INVALID_ARG_VALUE` for options of a wrong type, range or value.
 */
export class Agent extends http.Agent {
  constructor (options?: AgentOptions)
  /** Milliseconds; see the option. May be changed at any time. */
  freeSocketTimeout: number
  /** Milliseconds; see the option. */
  agentKeepAliveTimeoutBuffer: number
  /** Connections of this agent, active, idle and being dialled. */
  readonly totalSocketCount: number
  /** 'fast': the core serves this agent's requests; 'node': net does. */
  readonly lane: 'fast' | 'node'
  /** Why `lane` is 'node', in words for people; null for 'fast'. */
  readonly laneReason: string | null
}

/**
 * An `https.Agent` over the same native pool. TLS, sessions and sockets are
 * Node's own.
 *
 * Throws as `Agent` does.
 */
export class HttpsAgent extends https.Agent {
  constructor (options?: HttpsAgentOptions)
  /** Milliseconds; see the option. May be changed at any time. */
  freeSocketTimeout: number
  /** Milliseconds; see the option. */
  agentKeepAliveTimeoutBuffer: number
  /** Connections of this agent, active, idle and being dialled. */
  readonly totalSocketCount: number
  /** Always 'node': the sockets are Node's. */
  readonly lane: 'node'
  /** Why, in words for people. */
  readonly laneReason: string
}

export interface Capabilities {
  /** May requests go through the core here? */
  fastLane: boolean
  /** Why not, or null. */
  reason: string | null
  /** What works with Node's own Agent and does not here, since this Node's inside has changed. */
  lacking: string[]
  /** The host's llhttp. */
  llhttp: string
  /** The host's libuv. */
  uv: string
}

/** What this process can do, for logs and bug reports. */
export function capabilities (): Capabilities

declare const hawser: {
  Agent: typeof Agent
  HttpsAgent: typeof HttpsAgent
  capabilities: typeof capabilities
}
export default hawser
