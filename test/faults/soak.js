// SPDX-License-Identifier: MIT
//
// npm run soak -- [--minutes N] [--concurrency N] [--every SECONDS] [--out FILE]
//   [--agent builtin]
//
// A mixed load for a long time, against the bench's native origin and a Node
// server (each in its own process). Writes memory, descriptors and the latency of
// the small requests to a CSV, draws it (FILE.svg), and at the end fits a line to
// the RSS after the warm-up. Exit code 1 if a request ended wrongly, twice or
// never, if descriptors are left, or if the RSS grows.
'use strict'

const { fork } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { parseArgs } = require('node:util')

const { startOrigin } = require('../../bench/support/origin')
const { Histogram, median } = require('../../bench/support/statistics')
const { chart } = require('./soak/chart')
const { Load } = require('./soak/load')
const { descriptors, newDescriptors, leftIn, slope, within } = require('./chaos/leaks')

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    concurrency: { type: 'string', default: '64' },
    every: { type: 'string', default: '2' },
    out: { type: 'string', default: path.join(__dirname, '../../build/soak.csv') },
    agent: { type: 'string', default: 'hawser' }
  }
})

const MINUTES = Number(values.minutes)
const EVERY = Number(values.every) * 1000
const END_MS = 10_000
const WARM_UP = 1 / 4 // of the time
const BLOCKS = 12 // of samples, after the warm-up: adjacent samples are not independent
const T_95 = 2.228 // Student's t for BLOCKS - 2 degrees of freedom, both sides
const MIB = 2 ** 20
const COLUMNS = ['seconds', 'requests', 'per_second', 'rss', 'heap_used', 'external', 'descriptors', 'p50_us', 'p99_us']

class BuiltinAgent extends http.Agent {
  constructor (options) {
    super({ keepAlive: true, ...options })
  }
}
const Agent = values.agent === 'builtin' ? BuiltinAgent : require('../..').Agent

async function startOddServer () {
  const child = fork(path.join(__dirname, 'soak', 'odd-server.js'))
  const [port] = await once(child, 'message')
  return { port, stop: () => child.disconnect() }
}

// Calls sample() at this interval until the time is over.
function sampleFor (minutes, sample) {
  return new Promise((resolve) => {
    const end = performance.now() + minutes * 60_000
    const timer = setInterval(() => {
      sample()
      if (performance.now() >= end) {
        clearInterval(timer)
        resolve()
      }
    }, EVERY)
  })
}

// The RSS after the warm-up as a line over the requests, through the medians
// of blocks: { slope, error } in bytes per million requests.
function growth (samples) {
  const late = samples.slice(Math.floor(samples.length * WARM_UP))
  if (late.length < 4 * BLOCKS) return null
  const points = Array.from({ length: BLOCKS }, (_, i) => {
    const at = (n) => Math.floor(n * late.length / BLOCKS)
    const block = late.slice(at(i), at(i + 1))
    return [median(block.map((one) => one.requests)) / 1e6, median(block.map((one) => one.rss))]
  })
  const { slope: perMillion, error } = slope(points)
  return { perMillion, margin: T_95 * error }
}

function write (samples, title) {
  fs.mkdirSync(path.dirname(values.out), { recursive: true })
  const lines = samples.map((sample) => COLUMNS.map((name) => sample[name]).join(','))
  fs.writeFileSync(values.out, [COLUMNS.join(','), ...lines, ''].join('\n'))
  const svg = values.out.replace(/(\.csv)?$/, '.svg')
  const column = (name, unit = 1) => samples.map((sample) => sample[name] / unit)
  fs.writeFileSync(svg, chart('hawser: soak', title, column('seconds'), [
    { title: 'RSS, MiB', values: column('rss', MIB) },
    { title: 'JavaScript heap in use, MiB', values: column('heap_used', MIB) },
    { title: 'external memory, MiB', values: column('external', MIB) },
    { title: 'open descriptors', values: column('descriptors') },
    { title: 'p99 of a small request, ms', values: column('p99_us', 1000) },
    { title: 'requests per second', values: column('per_second') }
  ]))
  console.log(`samples: ${values.out}\nchart:   ${svg}`)
}

async function main () {
  const origin = await startOrigin('native')
  const odd = await startOddServer()
  const before = descriptors()
  const samples = []
  let latencies = new Histogram()
  let requests = 0
  let last = performance.now()
  const begin = last
  const load = new Load({
    Agent,
    ports: { plain: origin.port, odd: odd.port },
    concurrency: Number(values.concurrency),
    onSmall: (us) => latencies.add(us)
  })
  load.start()
  await sampleFor(MINUTES, () => {
    const now = performance.now()
    const { rss, heapUsed, external } = process.memoryUsage()
    samples.push({
      seconds: Math.round((now - begin) / 1000),
      requests: load.ended,
      per_second: Math.round((load.ended - requests) / (now - last) * 1000),
      rss,
      heap_used: heapUsed,
      external,
      descriptors: descriptors().size,
      p50_us: Math.round(latencies.percentile(50)),
      p99_us: Math.round(latencies.percentile(99))
    })
    latencies = new Histogram()
    requests = load.ended
    last = now
  })
  const faults = []
  let idle = false
  load.stop().then(() => { idle = true })
  if (!await within(END_MS, () => idle)) faults.push(`${load.underWay} requests have not ended`)
  let left = []
  let entries = {}
  const gone = await within(END_MS, () => {
    left = newDescriptors(before, descriptors())
    entries = leftIn(load.agent)
    return left.length === 0 && Object.values(entries).every((count) => count === 0)
  })
  if (!gone) faults.push(`left are the descriptors [${left}] and in the agent ${JSON.stringify(entries)}`)
  for (const [text, count] of load.wrong) faults.push(`${count} times: ${text}`)

  const fit = growth(samples)
  const rss = samples.map((sample) => sample.rss)
  let memory = 'too short for the slope of the RSS'
  if (fit !== null) {
    memory = `RSS ${(rss[Math.floor(rss.length * WARM_UP)] / MIB).toFixed(1)} -> ${(rss.at(-1) / MIB).toFixed(1)} MiB, ` +
      `slope ${(fit.perMillion / 1024).toFixed(1)} +- ${(fit.margin / 1024).toFixed(1)} KiB per million requests (95 %)`
    if (fit.perMillion > fit.margin) faults.push(`the RSS grows: ${memory}`)
  }
  const million = (load.ended / 1e6).toFixed(2)
  const p99 = median(samples.map((sample) => sample.p99_us))
  write(samples, `Node ${process.versions.node}, ${million} million requests, ${memory}`)
  for (const fault of faults) console.log(`fault: ${fault}`)
  console.log(`soak: ${million} million requests, p99 of the small ones ${p99} us (median), ${memory}; ${faults.length} faults`)
  odd.stop()
  await origin.stop()
  process.exitCode = faults.length === 0 ? 0 : 1
}

main()
