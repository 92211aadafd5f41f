// SPDX-License-Identifier: MIT
'use strict'

function median (values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function summary (values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

// Latencies in microseconds in fixed memory: 64 buckets for each power of two,
// so that a bucket is less than 1.6 % wide.
class Histogram {
  constructor () {
    this.buckets = new Uint32Array(40 * 64)
    this.count = 0
  }

  add (us) {
    const value = Math.max(us * 64, 64)
    const power = 31 - Math.clz32(Math.min(value, 0x7fffffff))
    this.buckets[(power - 6) * 64 + ((value / 2 ** (power - 6)) | 0) - 64]++
    this.count++
  }

  percentile (p) {
    let left = Math.ceil(this.count * p / 100)
    for (let i = 0; i < this.buckets.length; i++) {
      left -= this.buckets[i]
      if (left <= 0) return (64 + (i & 63)) * 2 ** (i >> 6) / 64
    }
    return NaN
  }
}

module.exports = { median, summary, Histogram }
