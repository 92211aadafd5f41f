// SPDX-License-Identifier: MIT
//
// Ends the process, or throws, inside one callback of one request, with other
// requests in flight.
//
// Usage: run.js <port> <event> <exit | throw | reject | caught>
// caught: a handler of 'uncaughtException' takes the error; then the others
// must end as usual, and the process by itself. Prints how they ended.
'use strict'

const http = require('node:http')
const net = require('node:net')

const { Agent } = require('../../support/agent')

const [port, event, how] = [Number(process.argv[2]), process.argv[3], process.argv[4]]
const OTHERS = 6

const agent = new Agent({ maxSockets: 8 })
let acted = false
let caught = 0
let ended = 0

function act () {
  if (acted) return
  acted = true
  if (how === 'exit') process.exit(7)
  if (how === 'reject') return Promise.reject(new Error('meant'))
  throw new Error('meant')
}

function lookup (host, options, callback) {
  if (event === 'lookup at once') act()
  setImmediate(() => {
    if (event === 'lookup') act()
    if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }])
    else callback(null, '127.0.0.1', 4)
  })
}

if (how === 'caught') process.on('uncaughtException', () => caught++)
process.on('exit', () => {
  if (how === 'caught') console.log(`${caught} caught, ${ended} of ${OTHERS} ended`)
})

for (let i = 0; i < OTHERS; i++) {
  http.get({ host: '127.0.0.1', port, agent, path: '/ok' }, (res) => {
    res.resume().on('end', () => ended++)
  })
}

const PATHS = { error: '/reset', 'res error': '/half', timeout: '/never', upgrade: '/upgrade', drain: '/upload' }
const options = { host: '127.0.0.1', port, agent, path: PATHS[event] ?? '/ok' }
if (event.startsWith('lookup')) Object.assign(options, { host: 'x.test', lookup })
if (event === 'timeout') options.timeout = 20
if (event === 'upgrade') options.headers = { Connection: 'Upgrade', Upgrade: 'x' }
if (event === 'drain') options.method = 'POST'
if (event === 'createConnection') {
  options.agent = new Agent()
  options.agent.createConnection = (...args) => {
    act()
    return net.connect(...args)
  }
}
if (event === 'free') agent.on('free', act)

const req = http.request(options)
req.on('error', () => { if (event === 'error') act() })
req.on('timeout', () => {
  req.destroy()
  if (event === 'timeout') act()
})
req.on('socket', (socket) => {
  if (event === 'socket') act()
  if (event === 'connect') socket.on('connect', act)
})
for (const name of ['finish', 'close', 'drain']) if (event === name) req.on(name, act)
req.on('information', () => { if (event === 'information') act() })
req.on('upgrade', (res, socket) => {
  socket.destroy()
  act()
})
req.on('response', (res) => {
  res.on('error', () => { if (event === 'res error') act() })
  if (event === 'response') {
    res.resume()
    act()
  }
  if (event === 'data') res.on('data', act)
  else res.resume()
  if (event === 'end') res.on('end', act)
  if (event === 'res close') res.on('close', act)
})
if (event === 'drain') {
  req.prependListener('drain', () => req.end())
  req.write(Buffer.alloc(8 << 20))
} else {
  req.end()
}
