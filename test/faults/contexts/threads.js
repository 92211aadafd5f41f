// SPDX-License-Identifier: MIT
//
// The package in the main thread and in several workers at the same time, in
// each of them twice.
//
// Usage: threads.js <port>
'use strict'

const { once } = require('node:events')
const { Worker, isMainThread, workerData } = require('node:worker_threads')

const { exercise, forget } = require('./request')

const THREADS = 4

async function work (port, name) {
  const { Agent } = require('../../..')
  forget(false)
  const { Agent: Again } = require('../../..')
  await Promise.all([exercise(Agent, port, name), exercise(Again, port, `${name}-again`)])
}

async function main (port) {
  const exits = Array.from({ length: THREADS }, (_, n) =>
    once(new Worker(__filename, { workerData: { port, name: `thread-${n}` } }), 'exit'))
  await work(port, 'main')
  for (const [code] of await Promise.all(exits)) if (code !== 0) process.exit(code)
  console.log('ok')
}

if (isMainThread) main(Number(process.argv[2]))
else work(workerData.port, workerData.name)
