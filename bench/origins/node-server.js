// SPDX-License-Identifier: MIT
//
// The process that node.js starts: prints its port, ends when its stdin closes.
'use strict'

const http = require('node:http')

const { payload, counted } = require('./payload')

const BODIES = { '/11': payload('small'), '/1k': payload('1k'), '/64k': payload('64k') }

function answer (res, status, body) {
  res.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': body.length })
  res.end(body)
}

function onRequest (req, res) {
  if (req.method === 'POST') {
    let received = 0
    req.on('data', (chunk) => { received += chunk.length })
    req.on('end', () => answer(res, 200, counted(received)))
    return
  }
  const body = BODIES[req.url]
  if (body === undefined) answer(res, 404, Buffer.from('not found'))
  else answer(res, 200, body)
}

const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, onRequest)
server.listen({ port: 0, host: '127.0.0.1', backlog: 8192 }, () => console.log(server.address().port))
process.stdin.resume().on('end', () => process.exit(0))
