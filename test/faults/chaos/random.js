// SPDX-License-Identifier: MIT
//
// Seeded random numbers (mulberry32). A generator is made from a seed and the
// number of a request, so that client and server draw the same plan for a
// request without communicating.
'use strict'

class Random {
  constructor (seed, n) {
    this.state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(n + 1, 0xc2b2ae35)) | 0
    this.next()
  }

  // A number of 32 bits.
  next () {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }

  // 0 to n - 1.
  below (n) {
    return Math.floor(this.next() / 2 ** 32 * n)
  }

  pick (list) {
    return list[this.below(list.length)]
  }

  chance (percent) {
    return this.below(100) < percent
  }
}

module.exports = { Random }
