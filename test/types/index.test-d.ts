// SPDX-License-Identifier: MIT
import * as http from 'node:http'
import { expectAssignable, expectError, expectType } from 'tsd'
import { Agent, AgentOptions, Capabilities, capabilities } from '../..'

const agent = new Agent({ maxSockets: 5, freeSocketTimeout: 1000, scheduling: 'fifo' })
expectAssignable<http.Agent>(agent)
expectAssignable<AgentOptions>({ keepAlive: false, timeout: 1 })
expectType<'fast' | 'node'>(agent.lane)
expectType<number>(agent.totalSocketCount)
expectType<Capabilities>(capabilities())
http.get({ host: 'a', agent })
expectError(new Agent({ freeSocketTimeout: '1' }))
