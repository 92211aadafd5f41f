// SPDX-License-Identifier: MIT
//
// Servers on a free port of 127.0.0.1 that close with their test.
'use strict'

const http = require('node:http')
const net = require('node:net')
const { once } = require('node:events')

// Starts `server` and returns its port (or path) for a request's options.
async function start (t, server, listen = { port: 0, host: '127.0.0.1' }) {
  server.listen(listen)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections?.()
    server.close()
  })
  return server.address().port
}

function httpServer (t, handler) {
  return start(t, http.createServer(handler))
}

// A server that speaks bytes: onRequest(socket, text, n) is called with each
// request's head and body (as far as Content-Length goes); n counts the
// requests of that connection.
function rawServer (t, onRequest, onConnection = () => {}) {
  const sockets = new Set()
  const server = net.createServer((socket) => {
    let text = ''
    let n = 0
    sockets.add(socket)
    socket.on('error', () => {}) // the client may reset it
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (;;) {
        const end = text.indexOf('\r\n\r\n')
        if (end === -1) return
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
        if (text.length < end + 4 + length) return
        const request = text.slice(0, end + 4 + length)
        text = text.slice(request.length)
        onRequest(socket, request, n++)
      }
    })
    onConnection(socket)
  })
  t.after(() => { for (const socket of sockets) socket.destroy() })
  return start(t, server)
}

module.exports = { start, httpServer, rawServer }
