// SPDX-License-Identifier: MIT
//
// Replacements of Node's own functions, made before hawser was loaded or after, are
// used: such connections are Node's, and the agent reports why.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { runPlain } = require('../support/child')
const { httpServer, rawServer } = require('../support/servers')

const hawser = require.resolve('../..')
const register = require.resolve('../../lib/register')

async function said (script, args) {
  const { status, out, err } = await runPlain(`
    const http = require('node:http')
    ${script}`, args)
  assert.deepEqual({ status, err }, { status: 0, err: '' }, err)
  return JSON.parse(out)
}

// -- http-parser-js -------------------------------------------------------------

function mayBeReplaced () {
  try {
    // eslint-disable-next-line n/no-deprecated-api -- this is how it is replaced
    return Boolean(process.binding('http_parser'))
  } catch {
    return false
  }
}

for (const replaced of [false, true]) {
  const title = replaced ? 'http-parser-js parses' : 'Node parses where nothing replaces its parser'
  const skip = replaced && !mayBeReplaced() && 'this Node does not let its parser be replaced'
  test(title, { skip }, async (t) => {
    const port = await rawServer(t, (socket) => {
      socket.end('HTTP/1.1 200 OK\r\nA B: 1\r\nContent-Length: 0\r\n\r\n')
    })
    const [expected, actual, lane, reason, capabilities] = await said(`
      const get = (agent) => new Promise((resolve) => {
        http.get({ host: '127.0.0.1', port: ${port}, agent }, (res) => {
          res.resume().on('end', () => resolve(res.rawHeaders))
        }).on('error', (err) => resolve(err.code))
      })
      const { Agent, capabilities } = require(${JSON.stringify(hawser)})
      const agent = new Agent()
      Promise.all([get(new http.Agent()), get(agent)]).then((both) => {
        console.log(JSON.stringify([...both, agent.lane, agent.laneReason, capabilities()]))
      })`, ['--no-warnings', ...replaced ? ['--require', require.resolve('../support/http-parser-js')] : []])
    assert.deepEqual(actual, expected)
    assert.equal(expected === 'HPE_INVALID_HEADER_TOKEN', !replaced)
    const text = replaced ? "the HTTP parser is not Node's own" : null
    assert.deepEqual([lane, reason], [replaced ? 'node' : 'fast', text])
    assert.deepEqual([capabilities.fastLane, capabilities.reason], [!replaced, text])
  })
}

// -- continuation-local-storage ---------------------------------------------------

// Every callback of a request, and the context in it.
const files = { cls: require.resolve('continuation-local-storage'), hawser, register }

const contexts = (port, loads) => `
  ${loads.map((name) => `const ${name} = require(${JSON.stringify(files[name])})`).join('\n')}
  const ns = cls.createNamespace('test')
  const agent = new http.Agent({ keepAlive: true, maxSockets: MAX })
  const heard = []
  let left = 6
  function get (n, next) {
    ns.run(() => {
      ns.set('id', n)
      const hear = (what) => () => heard.push(what + ' of ' + n + ' in ' + ns.get('id'))
      const req = http.get({ host: '127.0.0.1', port: ${port}, agent, path: '/' + n }, (res) => {
        hear('response')()
        res.on('data', hear('data')).on('end', hear('end')).on('end', next).on('close', hear('res close'))
      })
      for (const name of ['socket', 'finish', 'close']) req.on(name, hear(name))
      req.on('close', () => {
        if (--left > 0) return
        agent.destroy()
        setImmediate(() => console.log(JSON.stringify(heard.sort())))
      })
    })
  }
  get(1, () => get(2, () => get(3, () => {})))
  get(4, () => get(5, () => {}))
  get(6, () => {})`

const ORDERS = [['cls', 'register'], ['register', 'cls'], ['hawser', 'cls', 'register']]

for (const max of [1, 2, Infinity]) {
  for (const order of ORDERS) {
    test(`continuation-local-storage keeps its context: ${order.join(', then ')}, maxSockets ${max}`, async (t) => {
      const port = await httpServer(t, (req, res) => res.end(req.url))
      const script = (...loads) => contexts(port, loads).replace('MAX', max)
      const expected = await said(script('cls'), ['--no-warnings'])
      assert.ok(expected.includes('response of 3 in 3'))
      assert.deepEqual(await said(script(...order), ['--no-warnings']), expected)
    })
  }
}

// -- functions on the way to a connection -----------------------------------------

const wrap = (object, name) => `{
  const object = ${object}
  const original = object.${name}
  object.${name} = function (...args) { called++; return original.apply(this, args) }
}`

const NOT_NODES = {
  "createConnection is not Node's own": wrap('http.Agent.prototype', 'createConnection'),
  "net.createConnection is not Node's own": wrap("require('node:net')", 'createConnection'),
  "ClientRequest.prototype.onSocket is not Node's own": wrap('http.ClientRequest.prototype', 'onSocket')
}

// Replacements that are used unchanged.
const CALLED = {
  'write of sockets': wrap("require('node:net').Socket.prototype", 'write'),
  'write of all streams': wrap("require('node:stream').Duplex.prototype", 'write'),
  '_write of sockets': wrap("require('node:net').Socket.prototype", '_write')
}

async function callsTwoRequests (t, when, wrapping) {
  const port = await httpServer(t, (req, res) => res.end())
  const run = (load) => said(`
    let called = 0
    let agent
    ${when === 'before' ? wrapping : ''}
    ${load}
    ${when === 'after' ? wrapping : ''}
    agent ??= new http.Agent({ keepAlive: true })
    const get = (then) => http.get({ host: '127.0.0.1', port: ${port}, agent }, (res) => {
      res.resume().on('close', () => setImmediate(then))
    })
    get(() => get(() => {
      agent.destroy()
      console.log(JSON.stringify([called, agent.lane, agent.laneReason]))
    }))`, [])
  const [called] = await run('')
  const [ours, lane, laneReason] = await run(`require(${JSON.stringify(register)})`)
  assert.equal(ours, called)
  return { called, lane, laneReason }
}

for (const when of ['before', 'after']) {
  for (const [reason, wrapping] of Object.entries(NOT_NODES)) {
    test(`a wrapper from ${when} hawser is loaded is called: ${reason}`, async (t) => {
      const { called, lane, laneReason } = await callsTwoRequests(t, when, wrapping)
      assert.deepEqual([lane, laneReason], called > 0 ? ['node', reason] : ['fast', null])
    })
  }

  for (const [what, wrapping] of Object.entries(CALLED)) {
    test(`a wrapper from ${when} hawser is loaded is called for each request: ${what}`, async (t) => {
      const { called, lane } = await callsTwoRequests(t, when, wrapping)
      assert.equal(called, 2)
      assert.equal(lane, 'fast')
    })
  }
}

test('one request with an onSocket of its own, among others', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(req.url))
  for (const maxSockets of [1, 2, Infinity]) {
    const run = (load) => said(`
      ${load}
      const agent = new http.Agent({ keepAlive: true, maxSockets: ${maxSockets} })
      const { addRequest } = agent
      const heard = []
      agent.addRequest = function (req, ...rest) {
        if (req.path.endsWith('own')) {
          req.onSocket = function (...args) {
            heard.push('onSocket ' + req.path)
            return Object.getPrototypeOf(req).onSocket.apply(this, args)
          }
        }
        return addRequest.call(this, req, ...rest)
      }
      const get = (path, then) => http.get({ host: '127.0.0.1', port: ${port}, agent, path }, (res) => {
        res.on('data', (chunk) => heard.push(String(chunk)))
        res.on('close', () => setImmediate(then))
      })
      let left = 3
      const end = () => {
        if (--left > 0) return
        agent.destroy()
        console.log(JSON.stringify(heard.sort()))
      }
      get('/1', () => get('/2-own', () => get('/3', () => get('/4-own', end))))
      get('/5-own', () => get('/6', end))
      get('/7', () => {})
      get('/8-own', end)`, [])
    const expected = await run('')
    assert.equal(expected.length, 12)
    assert.deepEqual(await run(`require(${JSON.stringify(register)})`), expected)
  }
})
