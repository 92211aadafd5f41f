// SPDX-License-Identifier: MIT
//
// Starts so many workers, some at a time, each with its own requests, and ends them
// at a given moment. At the end no descriptor may be left, memory must have stopped
// growing, and the process must end by itself.
//
// Usage: run.js <load | request | connect | callback | exit | throw | quiet> <count>
//   load      terminate() while the addon is being loaded
//   request   terminate() while responses are being received
//   connect   terminate() while connections are being made
//   callback  terminate() while a callback of a request runs
//   exit      process.exit() in a callback
//   throw     an exception in a callback
//   quiet     it ends normally, with idle connections
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const path = require('node:path')
const { Worker } = require('node:worker_threads')

const { descriptors, newDescriptors, within, memory, slope } = require('../chaos/leaks')

const AT_ONCE = 4
const END_MS = 10_000
const SAMPLES = 10
const TERMINATED = ['load', 'request', 'connect', 'callback']
const BYTES_PER_WORKER = 64 * 1024

const [how, count] = [process.argv[2], Number(process.argv[3])]

// Half of a response at once and the rest never, except for '/ok' and '/big'.
function serve (socket) {
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    const requests = chunk.latin1Slice().match(/^GET \S+/gm) ?? []
    for (const request of requests) {
      if (request === 'GET /ok') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(100_000)}`)
    }
  })
}

async function one (port) {
  const worker = new Worker(path.join(__dirname, 'worker.js'), { workerData: { how, port } })
  let thrown = null
  worker.on('error', (err) => { thrown = err })
  const exited = new Promise((resolve) => worker.on('exit', resolve))
  if (TERMINATED.includes(how)) {
    const message = await new Promise((resolve) => worker.on('message', resolve))
    // Only its output shows that a worker stays in its callback.
    if (how === 'callback') await Atomics.waitAsync(new Int32Array(message), 0, 0).value
    await worker.terminate()
  }
  const code = await exited
  assert.equal(code, { exit: 7, throw: 1, quiet: 0 }[how] ?? 1)
  assert.equal(thrown?.message, how === 'throw' ? 'meant' : undefined)
}

async function main () {
  const server = net.createServer(serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()

  await one(port)
  const before = descriptors()
  const samples = []
  let started = 1
  for (let n = 0; n < SAMPLES; n++) {
    const until = Math.round(count * (n + 1) / SAMPLES)
    const lane = async () => { while (started < until) { started++; await one(port) } }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    samples.push([started, (await memory()).rss])
  }
  let left = []
  const closed = await within(END_MS, () => {
    left = newDescriptors(before, descriptors())
    return left.length === 0
  })
  assert.ok(closed, `descriptors are left: ${left}`)
  const { slope: perWorker, error } = slope(samples.slice(SAMPLES / 2))
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1)
  console.log(`${started} workers, ${how}: rss ${mib(samples[0][1])} -> ${mib(samples.at(-1)[1])} MiB, ` +
    `${Math.round(perWorker)} +- ${Math.round(error)} bytes a worker`)
  if (count >= 200) assert.ok(perWorker < BYTES_PER_WORKER || perWorker < 3 * error, 'memory grows')
  server.close()
  setTimeout(() => {
    console.log(`the process does not end: ${process.getActiveResourcesInfo()}`)
    process.exit(1)
  }, END_MS).unref()
}

main()
