// SPDX-License-Identifier: MIT
//
// An idle connection counts as free until it has closed: between the expiry of its
// timeout and its close it is in agent.freeSockets.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const path = require('node:path')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { runScript } = require('../support/child')
const { request } = require('../support/request')
const { httpServer } = require('../support/servers')

const MS = 20

const lanes = {
  fast: (agent) => agent,
  node: (agent) => Object.assign(agent, { createConnection: (options) => net.connect(options) })
}

// The list in which the agent shows the socket.
function shownIn (agent, socket) {
  return ['sockets', 'freeSockets'].filter((name) => Object.values(agent[name]).flat().includes(socket))
}

for (const [lane, make] of Object.entries(lanes)) {
  test(`timers as long as freeSocketTimeout see it as free, ${lane} lane`, { skip: hawserOnly }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const agent = make(new Agent({ freeSocketTimeout: MS }))
    t.after(() => agent.destroy())
    const free = once(agent, 'free')
    await request({ port, agent })
    const [socket] = await free
    const closed = once(socket, 'close')
    const seen = []
    const look = () => seen.push(...shownIn(agent, socket))
    for (let ms = MS - 5; ms < MS + 5; ms++) setTimeout(look, ms)
    socket.prependOnceListener('close', look)
    await closed
    assert.ok(seen.length > 0)
    assert.deepEqual(new Set(seen), new Set(['freeSockets']))
    assert.deepEqual(shownIn(agent, socket), [])
  })

  test(`so is one that is destroyed, or whose server hangs up, ${lane} lane`, { skip: hawserOnly }, async (t) => {
    let peer
    const port = await httpServer(t, (req, res) => {
      peer = req.socket
      res.end('ok')
    })
    const agent = make(new Agent())
    t.after(() => agent.destroy())
    const ends = [(socket) => socket.destroy(), () => peer.end(), () => peer.resetAndDestroy()]
    for (const end of ends) {
      const free = once(agent, 'free')
      await request({ port, agent })
      const [socket] = await free
      const seen = []
      const closed = new Promise((resolve) => socket.on('close', resolve))
      socket.prependOnceListener('close', () => seen.push(...shownIn(agent, socket)))
      end(socket)
      seen.push(...shownIn(agent, socket))
      await closed
      assert.deepEqual(new Set(seen), new Set(['freeSockets']))
    }
  })

  test(`one that is reused is not, ${lane} lane`, { skip: hawserOnly }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const agent = make(new Agent())
    t.after(() => agent.destroy())
    for (let i = 0; i < 2; i++) {
      const free = once(agent, 'free')
      const req = http.get({ host: '127.0.0.1', port, agent })
      const [socket] = await once(req, 'socket')
      assert.deepEqual(shownIn(agent, socket), ['sockets'])
      req.on('response', (res) => res.resume())
      await free
      assert.deepEqual(shownIn(agent, socket), ['freeSockets'])
    }
  })
}

const REGISTER = path.join(__dirname, '..', '..', 'lib', 'register.js')
const KEEPALIVE = JSON.stringify(require.resolve('agentkeepalive'))

// agentkeepalive uses the lists to distinguish an error from the end of an idle connection.
test('agentkeepalive over hawser/register counts no errors', { skip: hawserOnly }, async () => {
  const script = `
    const Keep = require(${KEEPALIVE})
    const { once } = require('node:events')
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', async () => {
      const agent = new Keep({ freeSocketTimeout: 30, timeout: 1000 })
      for (let i = 0; i < 3; i++) {
        const all = Array.from({ length: 5 }, () => new Promise((resolve) => {
          http.get({ port: server.address().port, host: '127.0.0.1', agent }, (res) => {
            const { socket } = res
            res.resume()
            socket.once('free', () => socket.once('close', resolve))
          })
        }))
        await Promise.all(all)
      }
      console.log(JSON.stringify(agent.getCurrentStatus()))
      server.close()
    })`
  const expected = await runScript(script)
  const actual = await runScript(script, ['-r', REGISTER])
  assert.equal(JSON.parse(expected.out).errorSocketCount, 0)
  assert.deepEqual(JSON.parse(actual.out), JSON.parse(expected.out))
  assert.equal(actual.err, '')
})

test('a replacement class of hawser/register has the properties of the class that it replaces', { skip: hawserOnly }, async () => {
  const script = `
    const https = require('node:https')
    const given = { freeSocketTimeout: 1, agentKeepAliveTimeoutBuffer: 5, keepAlive: true }
    console.log(JSON.stringify([http, https].flatMap(({ Agent, globalAgent }) =>
      [new Agent(), new Agent(given), globalAgent].map((agent) => Object.keys(agent)
        .filter((name) => !name.startsWith('_')).map((name) => [name, agent[name]])
        .filter(([name]) => !['sockets', 'freeSockets', 'requests', 'totalSocketCount'].includes(name))))))`
  const expected = await runScript(script)
  const actual = await runScript(script, ['-r', REGISTER])
  assert.deepEqual(JSON.parse(actual.out), JSON.parse(expected.out))
})

test("a replacement class does not use another library's freeSocketTimeout", { skip: hawserOnly }, async () => {
  const { out } = await runScript(`
    class Mine extends http.Agent { freeSocketTimeout = 1 }
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', () => {
      const agent = new Mine({ keepAlive: true, freeSocketTimeout: 1 })
      const { port } = server.address()
      http.get({ port, host: '127.0.0.1', agent }, (res) => res.resume())
      agent.once('free', (socket) => {
        setTimeout(() => {
          console.log(socket.destroyed, Object.keys(agent.freeSockets).length)
          process.exit()
        }, 50) // of 1 ms: time for it to go wrong
      })
    })`, ['-r', REGISTER])
  assert.equal(out, 'false 1')
})
