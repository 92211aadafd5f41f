// SPDX-License-Identifier: MIT
//
// The soak's second origin, in its own (forked) process: does what the bench's native
// origin does not. Sends its port.
'use strict'

const http = require('node:http')

const PIECE = 'x'.repeat(1000)

const pages = {
  '/chunked' (req, res) {
    res.setHeader('trailer', 'sum')
    res.write(PIECE)
    setImmediate(() => {
      res.write(PIECE)
      res.addTrailers({ sum: '2000' })
      res.end()
    })
  },
  '/hints' (req, res) {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
    res.end(PIECE)
  },
  '/close' (req, res) {
    res.setHeader('connection', 'close')
    res.end(PIECE)
  },
  '/reset' (req, res) {
    res.setHeader('content-length', '2000')
    res.write(PIECE)
    setImmediate(() => res.socket.resetAndDestroy())
  },
  '/stall' () {},
  '/upload' (req, res) {
    let bytes = 0
    req.on('data', (chunk) => { bytes += chunk.length })
    req.on('end', () => res.end(String(bytes)))
  }
}

const server = http.createServer({ keepAliveTimeout: 0 }, (req, res) => pages[req.url](req, res))
server.on('upgrade', (req, socket) => {
  socket.on('error', () => socket.destroy()) // the client may go at any time
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  socket.pipe(socket)
})
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
process.on('disconnect', () => process.exit())
