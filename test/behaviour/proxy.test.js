// SPDX-License-Identifier: MIT
//
// proxyEnv, if this Node has it (24.5, 22.21): Node's own code does the proxying; the
// connections to the proxy are in hawser's pool.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, isHawser } = require('../support/agent')
const { HttpsAgent, httpsServer, request: httpsRequest, ca } = require('../support/https')
const { request, freed } = require('../support/request')
const { httpServer, start } = require('../support/servers')

const [major, minor] = process.versions.node.split('.').map(Number)
const knows = major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)
const skip = knows ? false : 'this Node has no proxyEnv'

// A proxy that forwards and tunnels, and writes down what it was asked for.
async function proxyServer (t) {
  const asked = []
  const server = http.createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`)
    req.pipe(http.request(req.url, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers)
      answer.pipe(res)
    }))
  })
  server.on('connect', (req, socket, head) => {
    asked.push(`CONNECT ${req.url}`)
    const upstream = net.connect(new URL(`tcp://${req.url}`).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    socket.on('error', () => upstream.destroy())
    upstream.on('error', () => socket.destroy())
  })
  return { port: await start(t, server), asked }
}

test('http: requests go through the proxy, over one connection', { skip }, async (t) => {
  const proxy = await proxyServer(t)
  const port = await httpServer(t, (req, res) => res.end('origin'))
  const agent = new Agent({ proxyEnv: { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` } })
  t.after(() => agent.destroy())
  if (isHawser) assert.equal(agent.lane, 'node')
  for (const reused of [false, true]) {
    const free = freed(agent)
    const { req, body } = await request({ port, agent, path: '/a' })
    await free
    assert.equal(String(body), 'origin')
    assert.equal(req.reusedSocket, reused)
  }
  assert.deepEqual(proxy.asked, Array(2).fill(`GET http://127.0.0.1:${port}/a`))
})

test('https: a tunnel through the proxy is used again', { skip }, async (t) => {
  const proxy = await proxyServer(t)
  const port = await httpsServer(t, {}, (req, res) => res.end('secret'))
  const agent = new HttpsAgent({ ca, proxyEnv: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } })
  t.after(() => agent.destroy())
  for (const reused of [false, true]) {
    const free = freed(agent)
    const { req, body } = await httpsRequest({ port, agent })
    await free
    assert.equal(String(body), 'secret')
    assert.equal(req.reusedSocket, reused)
  }
  assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${port}`])
})

test('https: a proxy that refuses the tunnel fails the request, and its place is free again',
  { skip }, async (t) => {
    const server = http.createServer()
    server.on('connect', (req, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
    const port = await start(t, server)
    const agent = new HttpsAgent({
      ca, maxSockets: 1, proxyEnv: { HTTPS_PROXY: `http://127.0.0.1:${port}` }
    })
    t.after(() => agent.destroy())
    const refused = { code: 'ERR_PROXY_TUNNEL', statusCode: 403 }
    await assert.rejects(httpsRequest({ port: 1, agent }), refused)
    await assert.rejects(httpsRequest({ port: 1, agent }), refused)
    assert.equal(agent.totalSocketCount, 0)
  })

test('NO_PROXY is honoured', { skip }, async (t) => {
  const proxy = await proxyServer(t)
  const port = await httpServer(t, (req, res) => res.end('origin'))
  const agent = new Agent({
    proxyEnv: { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1' }
  })
  t.after(() => agent.destroy())
  assert.equal(String((await request({ port, agent })).body), 'origin')
  assert.deepEqual(proxy.asked, [])
})
