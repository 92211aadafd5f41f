// SPDX-License-Identifier: MIT
'use strict'

const { Pool } = require('undici')

let pool = null

module.exports = {
  open (plan) {
    pool = new Pool(`http://127.0.0.1:${plan.port}`, { connections: plan.connections, pipelining: 1 })
    const options = {
      path: plan.path,
      method: plan.method,
      body: plan.body > 0 ? Buffer.alloc(plan.body, 'x') : undefined
    }
    return (slot, done) => {
      pool.request(options).then(({ body }) => {
        let bytes = 0
        body.on('data', (chunk) => { bytes += chunk.length })
        body.on('end', () => done(slot, null, bytes))
      }, (err) => done(slot, err, 0))
    }
  },
  close: () => pool.destroy()
}
