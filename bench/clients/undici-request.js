// SPDX-License-Identifier: MIT
//
// undici's Pool.request, whose body is read as the http clients read theirs.
'use strict'

const { Pool } = require('undici')

let pool = null

module.exports = {
  open (plan, onChunk) {
    pool = new Pool(`http://127.0.0.1:${plan.port}`, { connections: plan.connections, pipelining: 1 })
    const options = {
      path: plan.path,
      method: plan.method,
      body: plan.body > 0 ? Buffer.alloc(plan.body, 'x') : undefined
    }
    return (slot, done) => {
      const failed = (err) => done(slot, err, 0, 0)
      pool.request(options).then(({ statusCode, body }) => {
        let bytes = 0
        body.on('data', (chunk) => {
          bytes += chunk.length
          if (onChunk !== undefined) onChunk(slot, chunk)
        })
        body.on('end', () => done(slot, null, statusCode, bytes))
        body.on('error', failed)
      }, failed)
    }
  },
  close: () => pool.destroy()
}
