// SPDX-License-Identifier: MIT
//
// A connection outlives its requests; the AsyncLocalStorage stores of one of them
// must not live as long as the connection.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { isHawser } = require('../support/agent')
const { runScript } = require('../support/child')

const [major] = process.versions.node.split('.').map(Number)

const SCRIPT = `
  const { AsyncLocalStorage } = require('node:async_hooks')
  const net = require('node:net')
  const als = new AsyncLocalStorage()
  const gone = new Set()
  const registry = new FinalizationRegistry((n) => gone.add(n))
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const finds = (host, options, callback) => options.all
    ? callback(null, [{ address: '127.0.0.1', family: 4 }])
    : callback(null, '127.0.0.1', 4)
  async function main (agent, options) {
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.on('listening', resolve))
    const { port } = server.address()
    const get = (n) => new Promise((resolve) => {
      const store = { n }
      registry.register(store, n)
      als.run(store, () => {
        const req = http.get({ port, host: 'a.test', lookup: finds, agent, ...options })
        req.on('response', (res) => res.resume())
        req.on('close', resolve)
      })
    })
    for (let n = 1; n <= 3; n++) {
      await get(n)
      while (Object.keys(agent.freeSockets).length === 0) await turn()
      // As often as necessary, but not forever.
      for (let i = 0; i < 50 && n > 1 && !gone.has(n - 1); i++) {
        gc()
        await turn()
      }
    }
    console.log(JSON.stringify([gone.has(1), gone.has(2), agent.totalSocketCount]))
    process.exit()
  }
`

for (const lane of ['fast', 'node']) {
  for (const [what, agentOptions, options] of [
    ['plain', {}, {}],
    ['with time limits', { timeout: 60000 }, { timeout: 50000 }],
    ['an upload', {}, { method: 'POST', headers: { 'Content-Length': 0 } }]
  ]) {
    const pinned = (lane === 'node' || !isHawser) && major < 24
    const skip = pinned && "Node's own handle keeps them"
    test(`the first request's stores can be collected: ${what}, ${lane} lane`, { skip }, async () => {
      const { out, err } = await runScript(`${SCRIPT}
        const agent = new Agent(${JSON.stringify({ keepAlive: true, freeSocketTimeout: 0, ...agentOptions })})
        if (${lane === 'node'}) agent.createConnection = (options) => net.connect(options)
        main(agent, ${JSON.stringify(options)})`, ['--expose-gc'])
      assert.equal(out, '[true,true,1]', err)
    })
  }
}
