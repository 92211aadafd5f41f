// SPDX-License-Identifier: MIT
//
// Checks each response. A wrong one is counted, not thrown: the trial continues
// and is reported as failed.
'use strict'

class Tally {
  constructor (plan) {
    this.bytes = plan.bytes
    this.errors = 0
    this.first = null
  }

  add (err, status, bytes) {
    if (err === null && status === 200 && bytes === this.bytes) return
    this.fail(err !== null
      ? `${err.code ?? err.name}: ${err.message}`
      : `status ${status} with ${bytes} bytes instead of 200 with ${this.bytes}`)
  }

  fail (text) {
    this.errors++
    this.first ??= text
  }
}

module.exports = { Tally }
