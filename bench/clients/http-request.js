// SPDX-License-Identifier: MIT
//
// http.request with an Agent of a given class, shared by three of the clients.
// index.js describes the interface. With plan.origins, the slots take turns on
// that many addresses of 127.0.0.0/8, and plan.connections applies to each.
'use strict'

const http = require('node:http')

module.exports = function httpRequest (Agent, extra) {
  let agent = null

  function open (plan, onChunk) {
    agent = new Agent({
      keepAlive: true,
      maxSockets: plan.connections ?? Infinity, // JSON has no Infinity
      maxFreeSockets: Infinity,
      scheduling: plan.scheduling ?? 'lifo',
      ...extra
    })
    const origins = Array.from({ length: plan.origins ?? 1 }, (_, i) => ({
      host: `127.0.${Math.floor(i / 250)}.${1 + i % 250}`,
      port: plan.port,
      path: plan.path,
      method: plan.method,
      headers: plan.body > 0 ? { 'content-length': plan.body } : undefined,
      agent
    }))
    const body = plan.body > 0 ? Buffer.alloc(plan.body, 'x') : undefined
    return (slot, done) => {
      const req = http.request(origins[slot % origins.length], (res) => {
        let bytes = 0
        res.on('data', (chunk) => {
          bytes += chunk.length
          if (onChunk !== undefined) onChunk(slot, chunk)
        })
        res.on('end', () => done(slot, null, res.statusCode, bytes))
      })
      req.on('error', (err) => done(slot, err, 0, 0))
      req.end(body)
    }
  }

  return { open, close: () => agent.destroy() }
}
