// SPDX-License-Identifier: MIT
//
// A port of 127.0.0.1 that refuses. It is the local end of an open connection,
// so no other process can be given it while the test runs; the port of a
// closed server may be reused by another process.
'use strict'

const { once } = require('node:events')
const net = require('node:net')

const { start } = require('./servers')

async function closedPort (t) {
  const accepted = new Set()
  const server = net.createServer((socket) => accepted.add(socket))
  const client = net.connect(await start(t, server), '127.0.0.1')
  await once(client, 'connect')
  t.after(() => {
    client.destroy()
    for (const socket of accepted) socket.destroy()
  })
  return client.localPort
}

module.exports = { closedPort }
