// SPDX-License-Identifier: MIT
//
// npm run chaos -- [--requests N] [--seed S] [--concurrency N] [--rests N]
//   [--restart-every N] [--from N] [--fault F] [--kind K] [--agent builtin]
//   [--no-descriptors]
//
// Eight kinds of clients against a server that does everything wrong. Prints a
// table of what was done and a line of counts; exits with 1 after any violation.
// Each violation names its request: the same seed with --from n --requests 1
// repeats that request (what else happens at the time depends on the machine).
'use strict'

const { spawnSync } = require('node:child_process')
const http = require('node:http')
const path = require('node:path')
const { parseArgs } = require('node:util')

const { Chaos } = require('./chaos/chaos')
const { KINDS, FAULTS } = require('./chaos/plan')

const EXIT_MS = 10_000
const SHOWN = 20
const FEW_DESCRIPTORS = 64

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '128' },
    rests: { type: 'string', default: '10' },
    'restart-every': { type: 'string', default: '4000' },
    from: { type: 'string', default: '0' },
    fault: { type: 'string' },
    kind: { type: 'string' },
    agent: { type: 'string', default: 'hawser' },
    'no-descriptors': { type: 'boolean', default: false }
  }
})

class BuiltinAgent extends http.Agent {
  constructor (options) {
    super({ keepAlive: true, ...options })
  }

  // Node passes a request's signal on to its connection, which may serve another
  // request by the time it aborts; and a request that is destroyed with an error when
  // its response is complete makes the connection throw.
  createConnection (options, callback) {
    return super.createConnection({ ...options, signal: undefined }, callback).on('error', () => {})
  }
}

const builtin = values.agent === 'builtin'
const Agent = builtin ? BuiltinAgent : require('../..').Agent

function table (rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)))
  for (const row of rows) {
    console.log(row.map((cell, i) => i === 0
      ? String(cell).padEnd(widths[0])
      : String(cell).padStart(widths[i])).join('  '))
  }
}

const OUTCOMES = ['complete', 'late', 'upgraded', 'cut', 'gave up', 'broken', 'failed']

function report (chaos) {
  const rows = [['fault', ...KINDS, '|', ...OUTCOMES]]
  for (const fault of FAULTS) {
    const kinds = chaos.tally.get(fault)
    if (kinds === undefined) continue
    rows.push([fault,
      ...KINDS.map((kind) => sum(kinds.get(kind)?.values() ?? [])),
      '|',
      ...OUTCOMES.map((outcome) => sum([...kinds.values()].map((map) => map.get(outcome) ?? 0)))])
  }
  table(rows)
  const codes = [...chaos.codes].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`)
  console.log(`\nerrors: ${codes.join(', ')}`)
  const { connections, requests, uploads, cutUploads } = chaos.serverCounts
  console.log(`server: ${connections} connections, ${requests} requests, ${uploads} uploads, ` +
    `${cutUploads} cut; ${chaos.restarts} restarts; ${chaos.agentsMade} agents destroyed half-way; ` +
    `${chaos.crossed} answers crossed a request`)
  if (chaos.rss !== undefined) {
    const show = ({ perRequest, error }) => `${perRequest.toFixed(2)} +- ${error.toFixed(2)}`
    console.log(`bytes per request after warm-up: rss ${show(chaos.rss)}, ` +
      `heap ${show(chaos.heapUsed)}, external ${show(chaos.external)}; ` +
      `rss ${(chaos.rests[0].rss / 2 ** 20).toFixed(1)} -> ${(chaos.rests.at(-1).rss / 2 ** 20).toFixed(1)} MiB`)
  }
}

function sum (numbers) {
  let total = 0
  for (const n of numbers) total += n
  return total
}

// The same agent with hardly any descriptors, in its own process.
function fewDescriptors (port) {
  const script = path.join(__dirname, 'chaos', 'few-descriptors.js')
  const run = spawnSync('sh', ['-c', `ulimit -n ${FEW_DESCRIPTORS}; exec "$0" "$@"`,
    process.execPath, script, values.seed, String(port), values.agent], { encoding: 'utf8', timeout: 60_000 })
  console.log(`few descriptors: ${run.stdout.trim()}`)
  if (run.status === 0) return []
  return [{ id: -1, text: `few descriptors: status ${run.status}, ${run.signal}: ${run.stderr.trim()}` }]
}

async function main () {
  const chaos = new Chaos({
    Agent,
    builtin,
    seed: Number(values.seed),
    from: Number(values.from),
    requests: Number(values.requests),
    concurrency: Number(values.concurrency),
    rests: Number(values.rests),
    restartEvery: Number(values['restart-every']),
    only: { fault: values.fault, kind: values.kind },
    log: (line) => console.log(line)
  })
  await chaos.run()
  console.log('')
  report(chaos)
  if (!values['no-descriptors']) chaos.violations.push(...fewDescriptors(chaos.ports.main))
  await chaos.stop()

  process.on('exit', () => {
    const { violations } = chaos
    console.log('')
    for (const { id, text } of violations.slice(0, SHOWN)) {
      console.log(`violation, seed ${values.seed}, request ${id}: ${text}`)
    }
    if (violations.length > SHOWN) console.log(`... and ${violations.length - SHOWN} more`)
    const n = sumOf(chaos)
    console.log(`chaos: ${n} requests, ${Math.round(n / chaos.seconds)} a second, seed ${values.seed}, ` +
      `${violations.length} violations`)
    if (violations.length > 0) process.exitCode = 1
  })
  // With nothing left to do the process must end by itself.
  setTimeout(() => {
    chaos.violations.push({ id: -1, text: `the process does not end: ${process.getActiveResourcesInfo()}` })
    process.exit(1)
  }, EXIT_MS).unref()
}

function sumOf (chaos) {
  return sum([...chaos.tally.values()]
    .flatMap((kinds) => [...kinds.values()])
    .flatMap((outcomes) => [...outcomes.values()]))
}

main()
