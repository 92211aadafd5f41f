// SPDX-License-Identifier: MIT
//
// A server that answers with given bytes, in given pieces. `script` is called
// with (n, text) for the n-th request and gives { pieces, then }: strings
// (latin1) or Buffers, each of which the client reads by itself, and 'fin' or
// 'rst' if the connection ends after them.
'use strict'

const { rawServer } = require('./servers')

// Both ends live on one loop. A write made while it polls is not read before
// the next poll, and the first setImmediate comes before that one.
const readByNow = () => new Promise((resolve) => setImmediate(setImmediate, resolve))

async function scriptedServer (t, script) {
  const seen = { requests: [], connections: [] }
  seen.port = await rawServer(t, async (socket, text) => {
    const n = seen.requests.push({ text, connection: seen.connections.indexOf(socket) }) - 1
    const { pieces, then } = script(n, text)
    socket.setNoDelay()
    for (const piece of pieces) {
      if (socket.destroyed) return
      socket.write(piece, 'latin1')
      await readByNow()
    }
    if (then === 'fin') socket.end()
    if (then === 'rst') socket.resetAndDestroy()
  }, (socket) => seen.connections.push(socket))
  return seen
}

module.exports = { scriptedServer }
