// SPDX-License-Identifier: MIT
//
// What is left when nothing should be: open descriptors, entries in agents,
// and memory over several quiet moments.
'use strict'

const fs = require('node:fs')
const v8 = require('node:v8')
const vm = require('node:vm')

v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc')

const turn = () => new Promise((resolve) => setImmediate(resolve))

// The descriptors of this process, by number.
function descriptors () {
  const found = new Map()
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      found.set(fd, fs.readlinkSync(`/proc/self/fd/${fd}`))
    } catch (err) {
      if (err.code !== 'ENOENT') throw err // the directory itself, closed by now
    }
  }
  return found
}

// Those of `after` that are not in the earlier ones.
function newDescriptors (before, after) {
  return [...after].filter(([fd, what]) => before.get(fd) !== what).map(([, what]) => what)
}

function leftIn (agent) {
  const count = (lists) => Object.values(lists).reduce((sum, list) => sum + list.length, 0)
  return {
    sockets: count(agent.sockets),
    freeSockets: count(agent.freeSockets),
    requests: count(agent.requests),
    total: agent.totalSocketCount
  }
}

// Runs the loop until condition() holds; false if it does not within ms.
async function within (ms, condition) {
  const end = performance.now() + ms
  while (!condition()) {
    if (performance.now() > end) return false
    await turn()
  }
  return true
}

// Collects all garbage; finalizers run between the passes.
async function collect () {
  for (let i = 0; i < 4; i++) {
    gc()
    await turn()
  }
}

async function memory () {
  await collect()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heapUsed, external }
}

// Least squares over points [x, y]: { slope, error } of y per x.
function slope (points) {
  const n = points.length
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n
  const sxx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const sxy = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const b = sxy / sxx
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - b * (x - meanX)) ** 2, 0)
  return { slope: b, error: Math.sqrt(rest / Math.max(n - 2, 1) / sxx) }
}

module.exports = { descriptors, newDescriptors, leftIn, within, memory, slope }
