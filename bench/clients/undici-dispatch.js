// SPDX-License-Identifier: MIT
'use strict'

const { Pool } = require('undici')

let pool = null

class Handler {
  constructor (slot, done) {
    this.slot = slot
    this.done = done
    this.bytes = 0
  }

  onRequestStart () {}
  onResponseStart () {}
  onResponseData (controller, chunk) { this.bytes += chunk.length }
  onResponseEnd () { this.done(this.slot, null, this.bytes) }
  onResponseError (controller, err) { this.done(this.slot, err, 0) }
}

module.exports = {
  open (plan) {
    pool = new Pool(`http://127.0.0.1:${plan.port}`, { connections: plan.connections, pipelining: 1 })
    const options = {
      path: plan.path,
      method: plan.method,
      body: plan.body > 0 ? Buffer.alloc(plan.body, 'x') : undefined
    }
    return (slot, done) => { pool.dispatch(options, new Handler(slot, done)) }
  },
  close: () => pool.destroy()
}
