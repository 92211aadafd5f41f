// SPDX-License-Identifier: MIT
//
// Every callback of the user that a request calls, and the worst that it may do:
// throw, destroy the socket, the request or the agent, or take the socket out of the
// agent. Runs in its own process (exceptions are uncaught here) with a lane and a
// situation. Prints each failure on a line, and at the end which callbacks were
// called.
//   node worst-moments.js fast|node new|reused|handed|made
'use strict'

const diagnostics = require('node:diagnostics_channel')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')

const { Agent } = require('./agent')
const { finds, HERE } = require('./lookup')

// Turns of the loop; more means never. Under pressure a body of the core waits for ACKs.
const pressed = process.env.HAWSER_TEST_PRESSURE === '1' && process.argv[2] === 'fast'
const TURNS_MAX = pressed ? 1_000_000 : 30_000

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'
const answers = {
  '/plain': OK,
  '/last': OK.replace('OK\r\n', 'OK\r\nConnection: close\r\n'),
  '/all': `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n${OK}`,
  '/cut': OK.slice(0, -2),
  '/gone': '',
  '/slow': null
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
async function until (what, condition) {
  for (let i = 0; !condition(); i++) {
    if (i > TURNS_MAX) throw new Error(`never: ${what}`)
    await turn()
  }
}

// The callback that is to act at its next call: { name, act }.
let armed = null
let met = false
let uncaught = []
process.on('uncaughtException', (err) => uncaught.push(err))

// Called in the callback `name`, with what is at hand there.
function at (name, things) {
  if (armed === null || armed.name !== name || met) return
  met = armed.act(things) !== false
  if (armed.throws) throw new Error('mine')
}

const acts = {
  throws: () => true,
  'destroys the socket': ({ socket }) => socket ? Boolean(socket.destroy()) : false,
  'destroys the request': ({ req }) => req ? Boolean(req.destroy()) : false,
  'emits agentRemove': ({ socket }) => {
    if (!socket || socket.destroyed) return false
    taken.add(socket)
    socket.emit('agentRemove')
  },
  'destroys the agent': ({ agent }) => { agent.destroy() }
}

const taken = new Set() // sockets that have left the agent

let target = null // the request under test

// `around`: a method of the agent; its callback as 'name' before and 'name, after'.
function probe (agent, name, thingsOf) {
  const method = agent[name]
  agent[name] = function (...args) {
    at(name, thingsOf(...args))
    const result = method.apply(this, args)
    at(`${name}, after`, thingsOf(...args))
    return result
  }
}

const SOCKET_EVENTS = ['lookup', 'connect', 'ready', 'data', 'timeout', 'end', 'free', 'close',
  'agentRemove']

function watchSocket (agent, socket) {
  for (const event of SOCKET_EVENTS) {
    if (event === 'data' && armed?.name !== 'socket data') continue // it costs a copy
    socket.on(event, () => at(`socket ${event}`, { agent, socket, req: target }))
    socket.prependListener(event, () => at(`socket ${event}, first`, { agent, socket, req: target }))
  }
}

function makeAgent (lane) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const here = (req, socket) => ({ agent, req, socket: socket ?? req?.socket })
  if (lane === 'node') {
    agent.createConnection = (options) => net.connect(options)
    probe(agent, 'createConnection', () => here(target))
  }
  const { createSocket } = agent
  agent.createSocket = function (req, options, callback) {
    createSocket.call(this, req, options, (err, socket) => {
      if (socket) watchSocket(agent, socket)
      at('createSocket, its callback', here(req, socket))
      callback(err, socket)
      at('createSocket, behind its callback', here(req, socket))
    })
  }
  probe(agent, 'createSocket', (req) => here(req))
  probe(agent, 'getName', () => here(target))
  probe(agent, 'addRequest', (req) => here(req))
  probe(agent, 'keepSocketAlive', (socket) => here(target, socket))
  probe(agent, 'reuseSocket', (socket, req) => here(req, socket))
  probe(agent, 'removeSocket', (socket) => here(target, socket))
  agent.on('free', (socket) => at('free', here(target, socket)))
  agent.prependListener('free', (socket) => at('free, first', here(target, socket)))
  return agent
}

// What came of a request.
function watch (agent, req) {
  const seen = { req, closed: 0, errors: [], whole: 0, cut: [] }
  const tell = (name, extra) => at(name, { agent, req, socket: req.socket, ...extra })
  req.on('close', () => { seen.closed++ })
  req.on('error', (err) => { seen.errors.push(err) })
  req.on('response', (res) => {
    res.on('error', (err) => { seen.cut.push(err) })
    res.on('end', () => { if (res.complete) seen.whole++ })
    if (req !== target) return res.resume()
    const { socket } = res
    for (const event of ['data', 'end', 'close', 'aborted', 'error']) {
      res.on(event, () => tell(`response ${event}`, { socket }))
    }
    res.resume() // even if 'response' below throws
  })
  if (req !== target) return seen
  for (const event of ['socket', 'finish', 'response', 'continue', 'information', 'drain', 'timeout',
    'close', 'error']) {
    req.on(event, () => tell(`request ${event}`))
  }
  req.on('timeout', () => {})
  return seen
}

const CHANNELS = ['http.client.request.created', 'http.client.request.start', 'http.client.request.error',
  'http.client.response.finish']
for (const channel of CHANNELS) {
  diagnostics.subscribe(channel, ({ request }) =>
    at(`channel ${channel}`, { agent: request.agent, req: request, socket: request.socket }))
}

const PATHS = [
  [/error|aborted|response close, cut|socket (end|close)/, '/cut'],
  [/^request error|^channel http.client.request.error/, '/gone'],
  [/timeout/, '/slow']
]
const pathFor = (name) => PATHS.reduce((path, [pattern, other]) => pattern.test(name) ? other : path, '/all')

let port = 0

function ask (agent, path, options, body) {
  const lookup = (host, lookupOptions, callback) => {
    at('the look-up', { agent, req: target, socket: target?.socket })
    // If it answers at once, it has been called before there is a listener.
    const found = () => finds(HERE)(host, lookupOptions, callback)
    if (armed?.name.startsWith('socket lookup')) setImmediate(found)
    else found()
  }
  return http.request({ host: 'a.test', port, agent, lookup, path, ...options })
}

// One cell of the table: `name` does `how`. Throws if anything is wrong.
async function cell (lane, situation, name, how) {
  armed = { name, act: acts[how], throws: how === 'throws' }
  met = false
  uncaught = []
  target = null
  let ready = false
  const wasArmed = armed
  armed = { ...armed, name: '' }
  const agent = makeAgent(lane)
  armed = wasArmed
  const all = []
  const before = { reused: '/plain', handed: '/plain', made: '/last' }[situation]
  if (before !== undefined) {
    armed = { ...wasArmed, name: '' }
    all.push(watch(agent, ask(agent, before).end()))
    if (situation === 'reused') {
      await until('the first is idle', () => Object.keys(agent.freeSockets).length === 1)
    }
    armed = wasArmed
  }
  const path = pathFor(name)
  let thrown = null
  try {
    const options = { method: 'POST', ...(path === '/slow' && { timeout: 5 }) }
    // It is the target of what its own constructor calls, too.
    const req = ask(agent, path, options)
    target = req
    all.push(watch(agent, req))
    if (path === '/slow') setTimeout(() => req.destroy(), 20) // nothing else does
    req.write(Buffer.alloc(200_000), () => at('write callback', { agent, req, socket: req.socket }))
    const end = () => req.end(() => at('end callback', { agent, req, socket: req.socket }))
    if (name === 'request drain') req.prependOnceListener('drain', () => process.nextTick(end))
    else end()
    ready = true
  } catch (err) {
    thrown = err
  }
  await until(`${all.length} requests end`, () => all.every(({ closed }) => closed > 0))
  for (let i = 0; i < 5; i++) await turn()
  armed = null
  for (const socket of taken) socket.destroy()
  taken.clear()

  const told = [thrown, ...uncaught, ...all.flatMap(({ errors, cut }) => [...errors, ...cut])]
    .filter((err) => err?.message === 'mine').length
  const expected = how === 'throws' && met ? 1 : 0
  if (told !== expected) throw new Error(`the exception was seen ${told} times`)
  const others = uncaught.filter(({ message }) => message !== 'mine')
  if (others.length > 0) throw others[0]
  if (thrown === null && !ready) throw new Error('not begun')
  for (const { req, closed, errors, whole, cut } of all) {
    if (closed !== 1) throw new Error(`closed ${closed} times`)
    if (errors.length > 1) throw new Error(`failed ${errors.length} times: ${errors.join()}`)
    const failed = Math.max(errors.length, cut.length)
    if (whole + failed !== 1 && !(whole === 1 && req === target && met)) {
      throw new Error(`ended ${whole} times, ${errors.length} errors, ${cut.length} cut: ${errors}`)
    }
  }
  await until('the agent has nothing to do', () =>
    Object.keys(agent.sockets).length === 0 && Object.keys(agent.requests).length === 0)
  if (agent.totalSocketCount > 1) throw new Error(`${agent.totalSocketCount} connections`)
  const last = watch(agent, ask(agent, '/plain').end())
  await until('a further request ends', () => last.closed > 0)
  if (last.whole !== 1) throw new Error(`a further request fails: ${last.errors}`)
  agent.destroy()
  await until('all has closed', () => agent.totalSocketCount === 0)
  return met
}

const names = [
  'getName', 'getName, after', 'addRequest', 'addRequest, after',
  'createConnection', 'createConnection, after', 'the look-up',
  'createSocket', 'createSocket, after', 'createSocket, its callback', 'createSocket, behind its callback',
  'keepSocketAlive', 'keepSocketAlive, after', 'reuseSocket', 'reuseSocket, after',
  'removeSocket', 'removeSocket, after', 'free', 'free, first',
  ...SOCKET_EVENTS.flatMap((event) => [`socket ${event}`, `socket ${event}, first`]),
  ...['socket', 'finish', 'response', 'continue', 'information', 'drain', 'timeout', 'close', 'error']
    .map((event) => `request ${event}`),
  ...['data', 'end', 'close', 'aborted', 'error'].map((event) => `response ${event}`),
  ...CHANNELS.map((channel) => `channel ${channel}`),
  'write callback', 'end callback'
]

async function main ([lane, situation, only]) {
  const server = net.createServer((socket) => {
    let text = ''
    socket.on('error', () => {}) // the client goes away as it likes
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = text.slice(0, end)
      const path = / (\S+) /.exec(head)[1]
      if (/chunked/i.test(head) && !text.endsWith('0\r\n\r\n')) return
      text = ''
      if (answers[path] === null) return
      socket.write(answers[path])
      if (path === '/gone' || path === '/cut') socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = server.address().port
  const seen = new Set()
  for (const name of names) {
    for (const how of Object.keys(acts)) {
      if (only !== undefined && only !== `${name}: ${how}`) continue
      try {
        if (await cell(lane, situation, name, how)) seen.add(name)
      } catch (err) {
        console.log(`WRONG ${name}: ${how}: ${err.message}`)
        if (only !== undefined) console.log(err.stack)
      }
    }
  }
  console.log(JSON.stringify({ names, met: [...seen] }))
  process.exit(0)
}

main(process.argv.slice(2))
