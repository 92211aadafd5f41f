// SPDX-License-Identifier: MIT
//
// Medians for the tables, and the histogram for the latencies of a trial.
'use strict'

function median (values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function summary (values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

const STEPS = 64 // buckets for each power of two: one is less than 1.6 % wide
const POWERS = 26 // up to 2 ** 25 us, half a minute

// Latencies in microseconds, in fixed memory. Below 1 us all are 1 us.
class Histogram {
  constructor () {
    this.buckets = new Uint32Array(POWERS * STEPS)
    this.count = 0
  }

  add (us) {
    const value = Math.min(Math.max(us * STEPS, STEPS), 0x7fffffff)
    const power = 31 - Math.clz32(value) - 6 // 2 ** 6 is STEPS
    this.buckets[power * STEPS + (value / 2 ** power | 0) - STEPS]++
    this.count++
  }

  percentile (p) {
    let left = Math.ceil(this.count * p / 100)
    for (let i = 0; i < this.buckets.length; i++) {
      left -= this.buckets[i]
      if (left <= 0) return (STEPS + i % STEPS) * 2 ** Math.floor(i / STEPS) / STEPS
    }
    return NaN
  }
}

module.exports = { median, summary, Histogram }
