// SPDX-License-Identifier: MIT
//
// npm run bench: the origin runs in one process and each trial of a client in
// another; the rounds of the clients are interleaved. Exit code 1 if a trial failed, a
// client got wrong bytes or hawser could not be loaded; 2 for a wrong option.
'use strict'

const fs = require('node:fs')
const path = require('node:path')

const clients = require('./clients')
const scenarios = require('./scenarios')
const { ceiling } = require('./support/ceiling')
const { environment, header } = require('./support/environment')
const { readOptions, list, HELP, UsageError } = require('./support/options')
const { startOrigin } = require('./support/origin')
const { trialPlan, sameBytesPlan } = require('./support/plan')
const { progress, clearProgress } = require('./support/progress')
const { rows, table, measure } = require('./support/report')
const share = require('./support/share')
const { chart } = require('./support/svg')
const { runTrial } = require('./support/trial')

// Each client in turn shows that it can be loaded and gets the right bytes.
async function check (names, origin) {
  const checks = {}
  for (const name of names) {
    progress(`check: ${name}`)
    checks[name] = await runTrial(sameBytesPlan(name, clients[name].peer, origin))
  }
  clearProgress()
  return checks
}

function versionsOf (checks) {
  return Object.fromEntries(Object.entries(checks).map(([name, one]) => {
    if (one.missing) return [name, 'NOT THERE']
    if (one.error) return [name, `FAILED (${one.error})`]
    return [name, one.lane ? `${one.version} (${one.lane} lane)` : one.version]
  }))
}

async function runCeilings (names, origin) {
  const found = {}
  for (const name of names) {
    const { plan } = scenarios[name]
    if (plan.method !== 'GET' || plan.connections !== 50 || plan.path in found) continue
    progress(`wrk: ${plan.path}`)
    found[plan.path] = await ceiling(origin, origin.paths[plan.path])
  }
  clearProgress()
  return found
}

function describeCeilings (found) {
  const known = Object.entries(found).filter(([, one]) => one !== null)
  if (known.length === 0) {
    return 'no figures from wrk: the column "origin" shows whether the origin was the limit'
  }
  const texts = known.map(([name, { rps, originBusy }]) => `${name} ` +
    `${Math.round(rps).toLocaleString('en-US')} req/s (origin ${Math.round(originBusy * 100)}%)`)
  return `wrk -t1 -c50 on the client's core: ${texts.join(', ')}`
}

const atOnce = (trials) => Promise.all(trials.map((run) => run()))

async function inTurn (trials) {
  const done = []
  for (const run of trials) done.push(await run())
  return done
}

// What hawser's CPU is compared with, in the same round.
async function runParts (parts, scenario, origin, settings) {
  for (const [name, run] of Object.entries(share.trials(scenario, origin, settings))) {
    progress(`hawser's own share: ${name}`)
    parts[name].push(await run())
  }
}

async function runScenario (name, names, origin, settings, checks) {
  const scenario = scenarios[name]
  const results = Object.fromEntries(names.map((client) => [client, []]))
  const parts = { floor: [], bare: [] }
  const shared = scenario.share && names.includes('hawser') && !checks.hawser.error
  const rounds = Math.min(settings.rounds, scenario.rounds ?? Infinity)
  for (let round = 0; round < rounds; round++) {
    const trials = names.map((client) => async () => {
      if (checks[client].error) return checks[client]
      progress(`${name}: round ${round + 1} of ${rounds}, ${client}`)
      return runTrial(trialPlan(scenario, client, origin, settings), scenario.flags)
    })
    const done = await (scenario.together ? atOnce(trials) : inTurn(trials))
    names.forEach((client, i) => results[client].push(done[i]))
    if (shared) await runParts(parts, scenario, origin, settings)
  }
  clearProgress()
  return { results, parts: shared ? parts : null }
}

function chartOf (report, info) {
  const groups = Object.entries(report).map(([name, results]) => ({
    name,
    what: measure(scenarios[name]) === 'bytes' ? 'memory: less is better' : 'requests/s',
    bars: rows(scenarios[name], results).filter((row) => row.ratio > 0)
  })).filter(({ bars }) => bars.length > 0)
  return chart('hawser and other clients, ratio to the built-in keep-alive Agent',
    `Node ${info.node}, ${info.cpu}, origin ${info.origin}; ${info.pinning}; ${info.date.slice(0, 10)}`,
    groups)
}

function write (file, samples) {
  const svg = file.replace(/(\.json)?$/, '.svg')
  fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true })
  fs.writeFileSync(file, JSON.stringify(samples, null, 1) + '\n')
  fs.writeFileSync(svg, chartOf(samples.report, samples.environment))
  console.log(`\nsamples: ${file}\nchart:   ${svg}`)
}

async function measureAll (options, origin) {
  const checks = await check(options.clients, origin)
  const info = environment(options.origin, versionsOf(checks))
  console.log(header(info))
  if (options.what) console.log(options.what)
  info.wrk = await runCeilings(options.scenarios, origin)
  console.log(describeCeilings(info.wrk))
  const report = {}
  const compared = {}
  for (const name of options.scenarios) {
    const names = options.clients.filter((client) => scenarios[name].clients.includes(client))
    if (names.length === 0) continue
    const { results, parts } = await runScenario(name, names, origin, options.settings, checks)
    report[name] = results
    const timed = measure(scenarios[name]) === 'rps'
    const limit = timed ? (info.wrk[scenarios[name].plan.path] ?? null) : null
    console.log(table(name, scenarios[name], results, limit))
    if (parts === null) continue
    compared[name] = parts
    console.log(share.describe({ hawser: results.hawser, ...parts }))
  }
  write(options.json, { environment: info, settings: options.settings, report, compared })
  const trials = [...Object.values(checks),
    ...[report, compared].flatMap(Object.values).flatMap(Object.values).flat()]
  return trials.some((trial) => trial.error && !trial.missing) || Boolean(checks.hawser?.missing)
}

async function main () {
  const options = readOptions(process.argv.slice(2))
  if (options.help) return console.log(HELP)
  if (options.list) return console.log(list())
  const origin = await startOrigin(options.origin)
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => origin.stop().finally(() => process.exit(1)))
  }
  try {
    if (await measureAll(options, origin)) process.exitCode = 1
  } finally {
    await origin.stop()
  }
}

main().catch((err) => {
  clearProgress()
  console.error(`bench: ${err.message}`)
  if (err instanceof UsageError) console.error(`\n${HELP}`)
  process.exitCode = err instanceof UsageError ? 2 : 1
})
