// SPDX-License-Identifier: MIT
//
// A connection that has closed leaves the pool, whatever the user has done to its
// listeners or to the agent's methods: the request that waits for its place gets it,
// and the process ends normally. With Node's agent the request waits forever.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { runScript } = require('../support/child')
const { request } = require('../support/request')
const { httpServer } = require('../support/servers')

const lanes = {
  'fast lane': '',
  https: '',
  "a socket of Node's": 'agent.createConnection = (options) => net.connect(options.port, options.host)',
  'a Duplex': `agent.createConnection = (options) => {
    const socket = net.connect(options.port, options.host)
    const duplex = new Duplex({
      read () { socket.resume() },
      write (chunk, encoding, callback) { socket.write(chunk, callback) },
      destroy (err, callback) { socket.destroy(); callback(err) }
    })
    socket.on('data', (chunk) => duplex.push(chunk))
    socket.on('close', () => duplex.destroy())
    return Object.assign(duplex, { setKeepAlive () {}, setTimeout () {}, ref () {}, unref () {} })
  }`
}

// What is done to the first request's socket while the second one waits.
const ways = {
  'all listeners are removed': 'socket.removeAllListeners(); socket.destroy()',
  'the listeners for close are removed, and the server closes':
    "socket.removeAllListeners('close'); server.closeAllConnections()",
  'a listener for close throws first':
    "socket.prependListener('close', () => { throw new Error('mine') }); socket.destroy()",
  'emit() does nothing': 'socket.emit = () => {}; socket.destroy()',
  'emit() throws': "socket.emit = () => { throw new Error('mine') }; socket.destroy()",
  'removeSocket() does nothing': 'agent.removeSocket = () => {}; socket.destroy()',
  'removeSocket() throws':
    "agent.removeSocket = () => { throw new Error('mine') }; socket.destroy()",
  'removeSocket() does nothing when the socket is taken from the agent':
    "agent.removeSocket = () => {}; socket.emit('agentRemove'); socket.destroy()",
  'an error is its end': "socket.removeAllListeners('close'); socket.destroy(new Error('mine'))",
  'it is reset': `socket.removeAllListeners()
    if (socket.resetAndDestroy === undefined || socket.encrypted) socket.destroy() // has none
    else socket.resetAndDestroy()`
}

for (const [lane, make] of Object.entries(lanes)) {
  for (const [way, act] of Object.entries(ways)) {
    test(`${lane}: ${way}`, { skip: hawserOnly }, async () => {
      const web = lane === 'https' ? 'https' : 'http'
      const { status, signal, out, err } = await runScript(`
        const https = require('node:https')
        const { HttpsAgent, pem } = require(${JSON.stringify(require.resolve('../support/https'))})
        const net = require('node:net')
        const { Duplex } = require('node:stream')
        process.on('uncaughtException', (err) => { if (err.message !== 'mine') throw err })
        const server = ${web}.createServer({ key: pem('server-key'), cert: pem('server-cert') }, (req, res) => {
          if (req.url === '/held') server.emit('held')
          else res.end('ok')
        })
        server.listen(0, '127.0.0.1', () => {
          server.unref()
          const { port } = server.address()
          const options = { keepAlive: true, maxSockets: 1, rejectUnauthorized: false }
          const agent = ${web} === https ? new HttpsAgent(options) : new Agent(options)
          ${make}
          const first = ${web}.get({ port, host: '127.0.0.1', path: '/held', agent })
          first.on('error', () => {})
          ${web}.get({ port, host: '127.0.0.1', agent }, (res) => {
            res.resume()
            res.on('end', () => setImmediate(() => {
              console.log('went', agent.totalSocketCount, Object.keys(agent.requests).length)
              agent.destroy()
            }))
          })
          server.once('held', () => {
            const { socket } = first
            ${act}
          })
        })`)
      assert.deepEqual({ status, signal, out, err },
        { status: 0, signal: null, out: 'went 1 0', err: '' })
    })
  }
}

test('a connection that has closed before the agent gets it', { skip: hawserOnly }, async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const connects = () => net.connect(port, '127.0.0.1')
  agent.createConnection = (options, callback) => {
    agent.createConnection = connects
    const socket = connects()
    socket.destroy()
    socket.once('close', () => callback(null, socket))
  }
  http.get({ port, host: '127.0.0.1', agent }) // which gets no event, with Node's agent too
  assert.equal(String((await request({ port, agent })).body), 'ok')
})

test('an idle connection whose destroy() throws when another origin needs its place',
  { skip: hawserOnly }, async () => {
    const { status, out, err } = await runScript(`
      process.on('uncaughtException', (err) => console.log(err.message))
      const server = http.createServer((req, res) => res.end('ok'))
      server.listen(0, () => {
        const { port } = server.address()
        const agent = new Agent({ keepAlive: true, maxTotalSockets: 1 })
        http.get({ port, host: '127.0.0.1', agent }, (res) => {
          const { socket } = res
          res.resume()
          res.on('close', () => setImmediate(() => {
            socket.destroy = () => { throw new Error('mine') }
            http.get({ port, host: '127.0.0.2', agent }, (res) => {
              console.log('went')
              res.resume()
              res.on('end', () => { delete socket.destroy; socket.destroy(); agent.destroy(); server.close() })
            })
          }))
        })
      })`)
    assert.deepEqual({ status, out, err }, { status: 0, out: 'mine\nwent', err: '' })
  })
