// SPDX-License-Identifier: MIT
//
// undici's Pool.dispatch: a handler and no promise, its cheapest API.
'use strict'

const { Pool } = require('undici')

let pool = null

class Handler {
  constructor (slot, done, onChunk) {
    this.slot = slot
    this.done = done
    this.onChunk = onChunk
    this.status = 0
    this.bytes = 0
  }

  onRequestStart () {}

  onResponseStart (controller, status) {
    this.status = status
  }

  onResponseData (controller, chunk) {
    this.bytes += chunk.length
    if (this.onChunk !== undefined) this.onChunk(this.slot, chunk)
  }

  onResponseEnd () {
    this.done(this.slot, null, this.status, this.bytes)
  }

  onResponseError (controller, err) {
    this.done(this.slot, err, 0, 0)
  }
}

module.exports = {
  open (plan, onChunk) {
    pool = new Pool(`http://127.0.0.1:${plan.port}`, { connections: plan.connections, pipelining: 1 })
    const options = {
      path: plan.path,
      method: plan.method,
      body: plan.body > 0 ? Buffer.alloc(plan.body, 'x') : undefined
    }
    return (slot, done) => { pool.dispatch(options, new Handler(slot, done, onChunk)) }
  },
  close: () => pool.destroy()
}
