// SPDX-License-Identifier: MIT
//
// HttpsAgent: behaves as https.Agent, with the core's pool.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const https = require('node:https')
const { test } = require('node:test')
const tls = require('node:tls')

const { isHawser, hawserOnly } = require('../support/agent')
const { HttpsAgent, httpsServer, request, ca, client } = require('../support/https')
const { freed } = require('../support/request')

function agentFor (t, options) {
  const agent = new HttpsAgent({ ca, ...options })
  t.after(() => agent.destroy())
  return agent
}

// A request whose connection is free again.
async function pooled (options, body) {
  const free = freed(options.agent)
  const result = await request(options, body)
  await free
  return result
}

const answer = (req, res) => res.end(`${req.method} ${req.url}`)

test('requests share one connection, and the agent is an https.Agent', async (t) => {
  const port = await httpsServer(t, {}, answer)
  const agent = agentFor(t)
  assert.ok(agent instanceof https.Agent)
  assert.equal(agent.protocol, 'https:')
  assert.equal(agent.defaultPort, 443)
  const first = await pooled({ port, agent })
  const second = await pooled({ port, agent, method: 'PUT', path: '/a' }, 'body')
  assert.equal(first.req.reusedSocket, false)
  assert.equal(second.req.reusedSocket, true)
  assert.equal(second.req.socket, first.req.socket)
  assert.ok(second.req.socket.encrypted)
  assert.equal(String(second.body), 'PUT /a')
  assert.equal(agent.totalSocketCount, 1)
})

test('getName is that of https.Agent for every TLS option', () => {
  const mine = new HttpsAgent()
  const node = new https.Agent()
  const all = {
    host: 'a.test',
    port: 443,
    localAddress: '192.0.2.1',
    family: 6,
    ca: 'ca',
    cert: 'cert',
    clientCertEngine: 'engine',
    ciphers: 'ciphers',
    key: 'key',
    pfx: [{ buf: Buffer.from('pfx'), passphrase: 'p' }],
    passphrase: 'phrase',
    rejectUnauthorized: false,
    servername: 'b.test',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    secureProtocol: 'TLS_method',
    crl: 'crl',
    honorCipherOrder: true,
    ecdhCurve: 'auto',
    dhparam: 'dh',
    secureOptions: 4,
    sessionIdContext: 'context',
    sigalgs: 'sig',
    privateKeyIdentifier: 'id',
    privateKeyEngine: 'keyengine'
  }
  assert.equal(mine.getName(), node.getName())
  assert.equal(mine.getName(all), node.getName(all))
  for (const name of Object.keys(all)) {
    assert.equal(mine.getName({ [name]: all[name] }), node.getName({ [name]: all[name] }), name)
  }
})

test('another TLS identity gets another connection', async (t) => {
  const port = await httpsServer(t, { requestCert: true, rejectUnauthorized: false },
    (req, res) => res.end(req.socket.getPeerCertificate().subject?.CN ?? 'nobody'))
  const agent = agentFor(t)
  assert.equal(String((await pooled({ port, agent })).body), 'nobody')
  assert.equal(String((await pooled({ port, agent, ...client })).body), 'hawser test client')
  assert.equal(String((await pooled({ port, agent })).body), 'nobody')
  assert.equal(agent.totalSocketCount, 2)
})

test('a session is resumed on a new connection', async (t) => {
  const port = await httpsServer(t, {}, (req, res) => {
    res.setHeader('connection', 'close')
    res.end(String(req.socket.isSessionReused()))
  })
  const agent = agentFor(t, { maxVersion: 'TLSv1.2' })
  assert.equal(String((await request({ port, agent })).body), 'false')
  assert.equal(String((await request({ port, agent })).body), 'true')
})

test('maxCachedSessions: 0 resumes none', async (t) => {
  const port = await httpsServer(t, {}, (req, res) => {
    res.setHeader('connection', 'close')
    res.end(String(req.socket.isSessionReused()))
  })
  const agent = agentFor(t, { maxVersion: 'TLSv1.2', maxCachedSessions: 0 })
  assert.equal(String((await request({ port, agent })).body), 'false')
  assert.equal(String((await request({ port, agent })).body), 'false')
})

test('servername comes from the Host header', async (t) => {
  const names = []
  const SNICallback = (name, done) => { names.push(name); done() }
  const port = await httpsServer(t, { SNICallback }, answer)
  const agent = agentFor(t)
  await pooled({ port, agent, servername: undefined, host: 'localhost' })
  await pooled({ port, agent, servername: undefined, headers: { host: 'other.test:1' } })
  await pooled({ port, agent, servername: 'localhost' })
  assert.deepEqual(names, ['localhost', 'other.test', 'localhost'].slice(0, names.length))
  assert.ok(names.length >= 2)
})

test('an untrusted certificate fails only its own request', async (t) => {
  const port = await httpsServer(t, {}, answer)
  const agent = new HttpsAgent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  await assert.rejects(request({ port, agent }), { code: /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|UNABLE_TO_GET_ISSUER/ })
  const { body } = await pooled({ port, agent, ca })
  assert.equal(String(body), 'GET /')
  await assert.rejects(request({ port, agent, ca, servername: 'wrong.test' }),
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

test('failed handshakes leak nothing', async (t) => {
  const port = await httpsServer(t, {}, answer)
  const agent = new HttpsAgent({ maxSockets: 4 })
  t.after(() => agent.destroy())
  const requests = Array.from({ length: 40 }, () => request({ port, agent }))
  const results = await Promise.allSettled(requests)
  assert.ok(results.every(({ status }) => status === 'rejected'))
  // The last connections close after their requests.
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
  const lists = [agent.sockets, agent.freeSockets, agent.requests]
  assert.deepEqual(lists.flatMap(Object.keys), [])
})

test('a checkServerIdentity of the agent is called once per connection', async (t) => {
  const asked = []
  const checkServerIdentity = (host) => { asked.push(host) }
  const port = await httpsServer(t, {}, answer)
  const agent = agentFor(t, { checkServerIdentity })
  await pooled({ port, agent })
  const { req } = await pooled({ port, agent })
  assert.equal(req.reusedSocket, true)
  assert.deepEqual(asked, ['localhost'])
})

// CVE-2026-58040: a certificate that one function accepted is checked again by another.
test('a checkServerIdentity of the request never shares a connection or a session',
  { skip: hawserOnly }, async (t) => {
    const port = await httpsServer(t, {},
      (req, res) => res.end(String(req.socket.isSessionReused())))
    const agent = agentFor(t, { maxVersion: 'TLSv1.2' })
    const asked = []
    const lax = () => { asked.push('lax') }
    const strict = () => { asked.push('strict'); return new Error('not this one') }
    const first = await request({ port, agent, checkServerIdentity: lax })
    assert.equal(String(first.body), 'false')
    await assert.rejects(request({ port, agent, checkServerIdentity: strict }), /not this one/)
    const third = await request({ port, agent, checkServerIdentity: lax })
    assert.equal(String(third.body), 'false')
    assert.equal(third.req.reusedSocket, false)
    assert.deepEqual(asked, ['lax', 'strict', 'lax'])
    const plain = await request({ port, agent, checkServerIdentity: tls.checkServerIdentity })
    assert.equal(plain.req.reusedSocket, false)
    assert.equal(String(plain.body), 'false')
  })

test("the agent's 'keylog' names the socket", async (t) => {
  const port = await httpsServer(t, {}, answer)
  const agent = agentFor(t)
  const lines = []
  agent.on('keylog', (line, socket) => lines.push([String(line), socket]))
  const { req } = await request({ port, agent })
  assert.ok(lines.length > 0)
  for (const [line, socket] of lines) {
    assert.match(line, /^[A-Z_0-9]+ [0-9a-f]+ [0-9a-f]+\n$/)
    assert.equal(socket, req.socket)
  }
})

test('ALPN: what was negotiated is on the socket', async (t) => {
  const port = await httpsServer(t, { ALPNProtocols: ['http/1.1'] }, answer)
  const agent = agentFor(t, { ALPNProtocols: ['http/1.1'] })
  const { req } = await pooled({ port, agent })
  assert.equal(req.socket.alpnProtocol, 'http/1.1')
})

test('maxSockets holds, and 100 requests over it all end', async (t) => {
  let connections = 0
  const port = await httpsServer(t, {}, answer)
  const agent = agentFor(t, { maxSockets: 4 })
  agent.on('free', () => { connections = Math.max(connections, agent.totalSocketCount) })
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) =>
    request({ port, agent, path: `/${i}` })))
  assert.deepEqual(all.map(({ body }) => String(body)), all.map((_, i) => `GET /${i}`))
  assert.ok(connections <= 4)
})

test('bytes on an idle connection close it; the next request gets another', async (t) => {
  let serverSide
  const port = await httpsServer(t, {}, (req, res) => {
    serverSide = req.socket
    res.end('ok')
  })
  const agent = agentFor(t)
  const { req } = await pooled({ port, agent })
  const closed = once(req.socket, 'close')
  serverSide.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong')
  await closed
  const second = await pooled({ port, agent })
  assert.equal(second.req.reusedSocket, false)
  assert.equal(String(second.body), 'ok')
})

test('certificates of hundreds of kilobytes, which are a part of the name', async (t) => {
  const port = await httpsServer(t, {}, answer)
  const agent = agentFor(t, { ca: [...tls.rootCertificates, ca].join('\n') })
  assert.ok(agent.getName({ ...agent.options, port }).length > 100000)
  const first = await pooled({ port, agent })
  const second = await pooled({ port, agent })
  assert.equal(second.req.socket, first.req.socket)
})

test('lane is node', { skip: hawserOnly }, () => {
  assert.equal(new HttpsAgent().lane, 'node')
  assert.equal(isHawser, true)
})

test('without new, and a wrong option', { skip: hawserOnly }, () => {
  assert.ok(HttpsAgent() instanceof HttpsAgent)
  assert.throws(() => new HttpsAgent({ maxCachedSessions: 'many' }), { code: 'ERR_INVALID_ARG_TYPE' })
})
