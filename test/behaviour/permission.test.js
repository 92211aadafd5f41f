// SPDX-License-Identifier: MIT
//
// Node's permission model applies to the fast lane too, on every way to a connection;
// compared with the built-in Agent in a process that was started with it.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const { isHawser } = require('../support/agent')
const { runScript, SCOPE } = require('../support/child')
const { start } = require('../support/servers')

const flags = process.allowedNodeEnvironmentFlags
const MODEL = [
  flags.has('--permission') ? '--permission' : '--experimental-permission',
  '--allow-fs-read=*', '--allow-addons', '--allow-worker', '--no-warnings'
]
const hasScope = flags.has('--allow-net')

// Prints the result of requests by each way, with Node's agent and with the one under test.
const ways = (port, socketPath) => `
  const HERE = [{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }]
  const list = (n) => (host, options, callback) => options.all
    ? callback(null, HERE.slice(0, n))
    : callback(null, HERE[0].address, 4)
  const ways = {
    address: { host: '127.0.0.1', port: ${port} },
    name: { host: 'localhost', family: 4, port: ${port} },
    one: { host: 'some.test', port: ${port}, lookup: list(1) },
    several: { host: 'some.test', port: ${port}, lookup: list(2) },
    unix: { socketPath: ${JSON.stringify(socketPath)} }
  }
  function get (options) {
    return new Promise((resolve) => {
      http.get(options, (res) => res.resume().on('end', () => resolve(res.statusCode)))
        .on('error', (err) => resolve([err.code, err.message, err.name, err.address, err.port]))
    })
  }
  async function all (agent) {
    const results = {}
    for (const way in ways) results[way] = await get({ ...ways[way], agent })
    agent.destroy()
    return results
  }
  const node = () => new NodeAgent({ keepAlive: true })
  const NodeAgent = http.Agent
  const say = (...args) => console.log(JSON.stringify(args))`

async function servers (t) {
  const answer = (req, res) => res.end()
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-'))
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const socketPath = path.join(dir, 's')
  await start(t, http.createServer(answer), { path: socketPath })
  return [await start(t, http.createServer(answer)), socketPath]
}

async function said (script, args, env) {
  const { status, out, err } = await runScript(script, args, env)
  assert.deepEqual({ status, err }, { status: 0, err: '' })
  return JSON.parse(out)
}

const worker = (script) => `
  const { Worker } = require('node:worker_threads')
  new Worker(${JSON.stringify(script)}, { eval: true })`

for (const extra of [[], ...(hasScope ? [['--allow-net']] : [])]) {
  const allowed = !hasScope || extra.length > 0
  const given = extra.length > 0 ? ' --allow-net' : ''
  test(`--permission${given}: the network is ${allowed ? 'open' : 'closed'}`, async (t) => {
    const script = `${ways(...await servers(t))}
      const agent = new Agent()
      Promise.all([all(node()), all(agent)]).then((both) => say(...both, agent.lane))`
    for (const where of [script, worker(SCOPE + script)]) {
      const [expected, actual, lane] = await said(where, [...MODEL, ...extra])
      assert.deepEqual(actual, expected)
      for (const way in actual) {
        assert.deepEqual([way, allowed ? actual[way] : actual[way][0]],
          [way, allowed ? 200 : 'ERR_ACCESS_DENIED'])
      }
      if (isHawser) assert.equal(lane, allowed ? 'fast' : 'node')
    }
  })
}

test('--permission: with hawser/register too', { skip: !hasScope && 'no --allow-net' }, async (t) => {
  const [results] = await said(`${ways(...await servers(t))}
    all(http.globalAgent).then((results) => say(results))`,
  [...MODEL, '--require', require.resolve('../../lib/register')])
  for (const way in results) assert.deepEqual([way, results[way][0]], [way, 'ERR_ACCESS_DENIED'])
})

// Each case runs with Node's agent and with hawser's, in separate processes. Open
// connections continue.
const DROPS = {
  'before the request': 'process.permission.drop("net"); const req = send()',
  'after it, in the same turn': 'const req = send(); process.permission.drop("net")',
  'in the look-up': 'during = () => process.permission.drop("net"); const req = send()',
  'when the connection is made': 'const req = send(); req.on("socket", (socket) => socket.on("connect", () => process.permission.drop("net")))',
  'in connectionAttempt': 'const req = send(); req.on("socket", (socket) => socket.on("connectionAttempt", () => process.permission.drop("net")))'
}

for (const [when, drop] of Object.entries(DROPS)) {
  const skip = !hasScope && 'no --allow-net'
  test(`the permission is given up ${when}`, { skip }, async (t) => {
    const [port, socketPath] = await servers(t)
    for (const way of ['address', 'one', 'several', 'unix']) {
      const both = []
      for (const make of ['node()', 'new Agent()']) {
        const script = `${ways(port, socketPath)}
          let during = () => {}
          const agent = ${make}
          const { lookup, ...rest } = ways.${way}
          const options = { ...rest, agent }
          if (lookup) {
            options.lookup = (...args) => setImmediate(() => {
              during()
              lookup(...args)
            })
          }
          let n = 0
          function send () {
            const req = http.get(options, (res) => {
              res.resume().on('end', () => {
                say2(res.statusCode)
                if (n++ === 0) setImmediate(() => { ${drop.startsWith('const') ? 'send()' : ''} })
              })
            })
            req.on('error', (err) => say2(err.code))
            return req
          }
          const told = []
          const say2 = (...args) => told.push(args)
          process.on('exit', () => say(told))
          ${drop}`
        both.push(await said(script, [...MODEL, '--allow-net']))
      }
      assert.deepEqual([way, both[1]], [way, both[0]])
    }
  })
}
