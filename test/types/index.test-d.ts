// SPDX-License-Identifier: MIT
import * as http from 'node:http'
import { expectAssignable, expectError, expectType } from 'tsd'
import * as https from 'node:https'
import hawser, {
  Agent, AgentOptions, Capabilities, HttpsAgent, HttpsAgentOptions, capabilities
} from '../..'
import { unregister } from '../../lib/register'

const agent = new Agent({ maxSockets: 5, freeSocketTimeout: 1000, scheduling: 'fifo' })
expectAssignable<http.Agent>(agent)
expectAssignable<AgentOptions>({ keepAlive: false, timeout: 1 })
expectType<'fast' | 'node'>(agent.lane)
expectType<string | null>(agent.laneReason)
expectType<number>(agent.totalSocketCount)
expectType<Capabilities>(capabilities())
http.get({ host: 'a', agent })
expectError(new Agent({ freeSocketTimeout: '1' }))

const secure = new HttpsAgent({ maxCachedSessions: 5, ca: 'pem', freeSocketTimeout: 0 })
expectAssignable<https.Agent>(secure)
expectAssignable<http.Agent>(secure)
expectAssignable<HttpsAgentOptions>({ servername: 'a', maxSockets: 1 })
expectType<'node'>(secure.lane)
expectType<string>(secure.laneReason)
https.get({ host: 'a', agent: secure })
expectError(new HttpsAgent({ maxCachedSessions: 'many' }))
expectType<typeof HttpsAgent>(hawser.HttpsAgent)
expectType<void>(unregister())
