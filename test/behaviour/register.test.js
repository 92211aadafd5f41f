// SPDX-License-Identifier: MIT
//
// hawser/register: the program needs no change. Each case runs in its own process,
// because it replaces functions of the process.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { test } = require('node:test')

const { hawserOnly } = require('../support/agent')

const REGISTER = path.join(__dirname, '..', '..', 'lib', 'register.js')

// Runs `script` after register and returns what it prints.
function run (script, { flags = ['-r', REGISTER], type = 'commonjs', env, args = [] } = {}) {
  const child = spawnSync(process.execPath,
    [...flags, `--input-type=${type}`, '-e', script, ...args],
    { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 20000 })
  assert.equal(child.stderr, '')
  assert.equal(child.status, 0)
  return child.stdout.trim()
}

const SERVER = `
  const serve = (then) => {
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', () => {
      then(server.address().port, () => server.close())
    })
  }
  const get = (options, then) => http.get(options, (res) => {
    res.resume()
    res.on('end', () => setImmediate(then))
  });`

test('it prints nothing, and the agents are ours with the defaults of Node', { skip: hawserOnly }, () => {
  const show = `
    const http = require('http'), https = require('https')
    const facts = (agent) => [agent.keepAlive, agent.keepAliveMsecs, agent.maxSockets,
      agent.maxFreeSockets, agent.maxTotalSockets, agent.scheduling, agent.protocol,
      agent.defaultPort, agent.options, agent.constructor.name]
    console.log(JSON.stringify([http.globalAgent, https.globalAgent, new http.Agent(),
      new https.Agent({ maxSockets: 3 }), http.Agent({ keepAlive: true }),
      new http.Agent({ keepAlive: 0 })].map(facts)))`
  assert.equal(run(show), run(show, { flags: [] }))
  const lanes = 'const http = require("http"); console.log(http.globalAgent.lane, new http.Agent().lane)'
  assert.equal(run(lanes), 'fast fast')
})

test('instanceof is true for everything that it was true for', { skip: hawserOnly }, () => {
  const out = run(`
    const http = require('http'), https = require('https')
    class Mine extends http.Agent {}
    const given = [http.globalAgent, https.globalAgent, new http.Agent(), new https.Agent(),
      new (require('_http_agent').Agent)(), new Mine(), {}]
    for (const Class of [http.Agent, https.Agent, Mine]) {
      console.log(given.map((agent) => Number(agent instanceof Class)).join(''))
    }`, { flags: ['--no-deprecation', '-r', REGISTER] })
  assert.deepEqual(out.split('\n'), ['1111110', '0101000', '0000010'])
})

for (const [name, flags] of [
  ['--import', ['--import', pathToFileURL(REGISTER).href]],
  ['-r', ['-r', REGISTER]]
]) {
  test(`${name}: an ES module sees it too`, { skip: hawserOnly }, () => {
    const out = run(`
      import http, { Agent, globalAgent } from 'node:http'
      import { Agent as HttpsAgent, globalAgent as httpsAgent } from 'https'
      ${SERVER}
      console.log(Agent === http.Agent, globalAgent === http.globalAgent, globalAgent.lane)
      console.log(new HttpsAgent().lane, httpsAgent.lane)
      serve((port, close) => get({ port, host: '127.0.0.1' }, () => {
        console.log(globalAgent.totalSocketCount, Object.keys(globalAgent.freeSockets).length)
        close()
      }))`, { flags, type: 'module' })
    assert.deepEqual(out.split('\n'), ['true true fast', 'node node', '1 1'])
  })
}

test('a class of before it that looks http.Agent up in its constructor stays as it was', { skip: hawserOnly }, () => {
  const out = run(`
    const http = require('http')
    function Old (options) { http.Agent.call(this, options) }
    require('util').inherits(Old, http.Agent)
    require(process.argv[1])
    ${SERVER}
    serve((port, close) => {
      const agent = new Old({ keepAlive: true, maxSockets: 1 })
      let left = 3
      for (let i = 0; i < 3; i++) {
        get({ host: '127.0.0.1', port, agent }, () => {
          if (--left > 0) return
          console.log(agent.totalSocketCount, Object.keys(agent.freeSockets).length, agent instanceof http.Agent)
          agent.destroy()
          close()
        })
      }
    })`, { flags: [], args: [REGISTER] })
  assert.equal(out, '1 1 true')
})

test('http.get without an agent reuses a connection; the process ends', { skip: hawserOnly }, () => {
  const out = run(`
    const http = require('http')
    ${SERVER}
    serve((port, close) => get({ port }, () => {
      const req = get({ port }, () => { console.log(req.reusedSocket); close() })
    }))`)
  assert.equal(out, 'true')
})

test('http.Agent.defaultMaxSockets counts', { skip: hawserOnly }, () => {
  assert.equal(run(`
    const http = require('http')
    console.log(http.Agent.defaultMaxSockets)
    http.Agent.defaultMaxSockets = 7
    console.log(new http.Agent().maxSockets)`), 'Infinity\n7')
})

test('unregister() puts back what was there, and closes the idle connections', { skip: hawserOnly }, () => {
  const out = run(`
    import http from 'node:http'
    import https from 'node:https'
    import { createRequire } from 'node:module'
    const before = [http.Agent, http.globalAgent, https.Agent, https.globalAgent]
    const { unregister } = createRequire(import.meta.url)(${JSON.stringify(REGISTER)})
    const swapped = [http.Agent, http.globalAgent, https.Agent, https.globalAgent]
    console.log(before.some((one, i) => one === swapped[i]))
    ${SERVER}
    serve((port, close) => get({ port }, () => {
      const { globalAgent } = http
      const [[socket]] = Object.values(globalAgent.freeSockets)
      socket.on('close', () => console.log('closed', globalAgent.totalSocketCount))
      unregister()
      const after = [http.Agent, http.globalAgent, https.Agent, https.globalAgent]
      console.log(before.every((one, i) => one === after[i]))
      import('node:http').then(({ Agent }) => console.log(Agent === before[0]))
      unregister()
      close()
    }))`, { flags: [], type: 'module' })
  // 'closed' and the import() settle in either order.
  assert.deepEqual(out.split('\n').sort(), ['closed 0', 'false', 'true', 'true'])
})

test('unregister() leaves agents alone that others have installed since', { skip: hawserOnly }, () => {
  assert.equal(run(`
    const http = require('http')
    const { unregister } = require(${JSON.stringify(REGISTER)})
    const other = http.globalAgent = new http.Agent({ maxSockets: 1 })
    unregister()
    console.log(http.globalAgent === other)`), 'true')
})

test('a keep-alive option of a wrong type is no more an error than it was', { skip: hawserOnly }, () => {
  assert.equal(run(`
    const http = require('http')
    console.log(new http.Agent({ keepAlive: 'yes', maxSockets: '5', timeout: '100' }).keepAlive)`),
  'yes')
})
