// SPDX-License-Identifier: MIT
import * as http from 'node:http'
import * as https from 'node:https'

/** The options that hawser adds to Node's, for both classes. */
export interface PoolOptions {
  /**
   * Keep connections open and reuse them.
   * @default true (http.Agent: false)
   */
  keepAlive?: boolean
  /**
   * Close a connection that has been idle this long, in milliseconds; 0: never.
   * A shorter `Keep-Alive: timeout=` from the server, minus
   * `agentKeepAliveTimeoutBuffer`, takes precedence.
   * @default 4000
   */
  freeSocketTimeout?: number
  /**
   * Milliseconds to subtract from the server's `Keep-Alive: timeout=`, so that the
   * connection is closed before the server closes it.
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
 * Throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` or `ERR_INVALID_ARG_VALUE`
 * for an option of the wrong type, range or value.
 */
export class Agent extends http.Agent {
  constructor (options?: AgentOptions)
  /** Milliseconds; see the option. May be changed at any time. */
  freeSocketTimeout: number
  /** Milliseconds; see the option. */
  agentKeepAliveTimeoutBuffer: number
  /** The connections of this agent: active, idle and connecting. */
  readonly totalSocketCount: number
  /** 'fast': the core serves this agent's requests; 'node': net does. */
  readonly lane: 'fast' | 'node'
  /** Why `lane` is 'node', as readable text; null for 'fast'. */
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
  /** The connections of this agent: active, idle and connecting. */
  readonly totalSocketCount: number
  /** Always 'node': the sockets are Node's. */
  readonly lane: 'node'
  /** Why, as readable text. */
  readonly laneReason: string
}

export interface Capabilities {
  /** Can requests use the core in this process? */
  fastLane: boolean
  /** Why not, or null. */
  reason: string | null
  /** Features of Node's own Agent that are missing, because an internal of this Node has changed. */
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
