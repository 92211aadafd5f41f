// SPDX-License-Identifier: MIT
//
// node bench/floor.js [UNDER_WAY]: what a request costs without any I/O. An agent
// that answers every request itself leaves Node's own objects (ClientRequest,
// IncomingMessage, their events) and the user's callbacks: what no Agent behind
// http.request can take away. Prints CPU per request. With more under way than
// the 50 of the other scenarios it shows what so many live requests cost V8.
'use strict'

const http = require('node:http')

const UNDER_WAY = Number(process.argv[2] ?? 50)
const WARM_UP = 1500 // ms
const MEASURED = 2000 // ms
const BODY = Buffer.from('hello world')

const nothing = () => {}
const socket = {
  writable: true,
  write: () => true,
  cork: nothing,
  uncork: nothing,
  on: nothing,
  removeListener: nothing,
  emit: nothing
}

function take (req) {
  req.socket = socket
  req.emit('socket', socket)
  req._flush()
  req.emit('finish')
  setImmediate(answer, req)
}

function answer (req) {
  const res = new http.IncomingMessage(null)
  res.statusCode = 200
  req.res = res
  res.req = req
  req.emit('response', res)
  res.push(BODY)
  res.complete = true
  res.push(null)
}

const agent = new http.Agent()
agent.addRequest = (req) => process.nextTick(take, req)

let done = 0
let bytes = 0

function next () {
  http.request({ host: '127.0.0.1', port: 1, path: '/11', agent }, (res) => {
    res.on('data', (chunk) => { bytes += chunk.length })
    res.on('end', () => {
      done++
      next()
    })
  }).end()
}

for (let i = 0; i < UNDER_WAY; i++) next()

setTimeout(() => {
  const from = done
  const before = process.cpuUsage()
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before)
    const requests = done - from
    console.log(`${process.version}: ${((user + system) / requests).toFixed(2)} us a request ` +
      `(${requests} requests, ${bytes} bytes since the start)`)
    process.exit()
  }, MEASURED)
}, WARM_UP)
