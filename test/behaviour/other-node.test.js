// SPDX-License-Identifier: MIT
//
// A Node whose internals are not as in docs/internals.md: hawser loads, requests work
// as with Node's own Agent, and what is missing is reported. Simulated by changes
// that are made before hawser is loaded.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { runPlain } = require('../support/child')
const { httpServer } = require('../support/servers')

const hide = (description) => `
  const list = Object.getOwnPropertySymbols
  Object.getOwnPropertySymbols = (object) =>
    list(object).filter((symbol) => symbol.description !== ${JSON.stringify(description)})`
const version = (name, value) => `
  Object.defineProperty(process, 'versions', { value: { ...process.versions, ${name}: ${value} } })`

// [what has changed, reason for the Node lane, what capabilities() has for lacking]
const ENTRIES = [/^PerformanceObserver entries of type 'http'/]
const CHANGES = {
  'async_id_symbol of sockets': [hide('async_id_symbol'), null, [/^async ids of reused sockets/]],
  'kNeedDrain of requests': [hide('kNeedDrain'), /this Node has no kNeedDrain/, []],
  'kError of requests': [hide('kError'), /this Node has no kError/, []],
  'kProxyConfig of agents': [hide('kProxyConfig'), null, []],
  'onkeylog of agents': [hide('onkeylog'), null, []],
  'ServerResponseStatistics of responses': [hide('ServerResponseStatistics'), null, ENTRIES],
  'net._normalizeArgs': [
    'const net = require("node:net"); const { _normalizeArgs } = net; Object.defineProperty(net, "_normalizeArgs", { get: () => /lib.host.js/.test(new Error().stack) ? undefined : _normalizeArgs })',
    /this Node has no net\._normalizeArgs/, []],
  'ClientRequest._finish that begins nothing': [
    'const { _finish } = http.OutgoingMessage.prototype; http.ClientRequest.prototype._finish = function () { _finish.call(this) }', null, ENTRIES],
  'ClientRequest._finish that throws for what is not a request': [
    'const { _finish } = http.ClientRequest.prototype; http.ClientRequest.prototype._finish = function () { if (!(this instanceof http.ClientRequest)) throw new TypeError("changed"); _finish.call(this) }', null, ENTRIES],
  'no ClientRequest._finish of its own': ['delete http.ClientRequest.prototype._finish', null, ENTRIES],
  'a ServerResponse that throws': [
    'http.ServerResponse = class { constructor () { throw new TypeError("changed") } }', null, ENTRIES],
  'a parser that cannot be asked': [
    'const { listeners } = http.Server.prototype; http.Server.prototype.listeners = function (name) { if (name === "connection") throw new TypeError("changed"); return listeners.call(this, name) }',
    /the HTTP parser cannot be asked: changed/, []],
  'no llhttp': [version('llhttp', undefined), /llhttp undefined is not 9\.3 to 9\.x/, []],
  'another llhttp': [version('llhttp', '"10.0.0"'), /llhttp 10\.0\.0 is not 9\.3 to 9\.x/, []]
}

for (const [what, [change, reason, lacking]] of Object.entries(CHANGES)) {
  test(`changed: ${what}`, async (t) => {
    const port = await httpServer(t, (req, res) => req.resume().on('end', () => res.end('ok')))
    const { status, out, err } = await runPlain(`
      const http = require('node:http')
      { ${change} }
      const { Agent, capabilities } = require(${JSON.stringify(require.resolve('../..'))})
      const agent = new Agent()
      const told = []
      agent.on('keylog', () => {})
      const post = (then) => {
        const req = http.request({ host: '127.0.0.1', port: ${port}, agent, method: 'POST' }, (res) => {
          res.on('data', (chunk) => told.push(String(chunk)))
          res.on('end', () => told.push(req.reusedSocket)).on('close', () => setImmediate(then))
        })
        req.write('a')
        req.end('b')
      }
      post(() => post(() => {
        agent.destroy()
        console.log(JSON.stringify([told, agent.laneReason, capabilities()]))
      }))`)
    assert.deepEqual({ status, err }, { status: 0, err: '' })
    const [told, laneReason, capabilities] = JSON.parse(out)
    assert.deepEqual(told, ['ok', false, 'ok', true])
    if (reason === null) assert.equal(laneReason, null)
    else assert.match(laneReason, reason)
    assert.equal(capabilities.reason, laneReason)
    assert.equal(capabilities.lacking.length, lacking.length, capabilities.lacking)
    lacking.forEach((text, i) => assert.match(capabilities.lacking[i], text))
  })
}

test('a proxy that cannot be seen has its requests on the Node lane', async () => {
  const { status, out, err } = await runPlain(`
    const http = require('node:http')
    { ${hide('kProxyConfig')} }
    const { Agent } = require(${JSON.stringify(require.resolve('../..'))})
    console.log(new Agent({ proxyEnv: { HTTP_PROXY: 'http://127.0.0.1:1' } }).laneReason)`)
  assert.deepEqual({ status, out, err }, { status: 0, out: 'a proxy is in force', err: '' })
})

test('NODE_DEBUG=hawser shows what is missing', async () => {
  const { status, err } = await runPlain(`
    const http = require('node:http')
    delete http.ClientRequest.prototype._finish
    require(${JSON.stringify(require.resolve('../..'))})`, [], { NODE_DEBUG: 'hawser' })
  assert.equal(status, 0)
  assert.match(err, /HAWSER \d+: lacking: PerformanceObserver entries of type 'http'/)
})
