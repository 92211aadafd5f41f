// SPDX-License-Identifier: MIT
//
// An ES module that asks /json n times at the origin whose port is the first
// argument, over the Agent under test, and prints what came.
import { get } from 'node:http'
import agentUnderTest from './agent.js'
import hawser, { Agent as HawserAgent, capabilities } from 'hawser'

const [port, n] = process.argv.slice(2).map(Number)
const { Agent, isHawser } = agentUnderTest
const agent = new Agent({ maxSockets: 1 })

const ask = (path) => new Promise((resolve, reject) => {
  get({ host: '127.0.0.1', port, path, agent }, async (res) => {
    const chunks = []
    for await (const chunk of res) chunks.push(chunk)
    resolve(JSON.parse(Buffer.concat(chunks)).url)
  }).on('error', reject)
})

const urls = []
for (let i = 0; i < n; i++) urls.push(await ask(`/json?${i}`))
console.log(JSON.stringify({
  urls,
  named: HawserAgent === hawser.Agent && capabilities === hawser.capabilities,
  same: !isHawser || HawserAgent === Agent
}))
