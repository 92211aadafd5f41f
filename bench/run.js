// SPDX-License-Identifier: MIT
//
// npm run bench: an origin in one process, each client in another, the rounds
// of the clients interleaved. `--help` tells the options.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')

const scenarios = require('./scenarios')
const { startOrigin } = require('./support/origin')
const { pinned, note, ORIGIN_CORE, CLIENT_CORE } = require('./support/pin')
const { rows, table } = require('./support/report')
const { runTrial } = require('./support/trial')
const { chart } = require('./support/svg')

const HELP = `node bench/run.js [options]
  --quick            under 60 s: short trials, without the slow scenarios
  --scenario A,B     only these (${Object.keys(scenarios).join(', ')})
  --client A,B       only these; ratios need http
  --origin NAME      native (default), or nginx where it is installed
  --rounds N         rounds of each scenario (default 5)
  --duration MS      measured time of a trial (default 2000)
  --json FILE        raw samples; a chart of the ratios goes beside it as .svg
`

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  scenario: { type: 'string' },
  client: { type: 'string' },
  origin: { type: 'string', default: 'native' },
  rounds: { type: 'string' },
  duration: { type: 'string' },
  json: { type: 'string', default: path.join(__dirname, 'results', 'latest.json') },
  help: { type: 'boolean', default: false }
}

function usage (message) {
  console.error(`bench: ${message}\n\n${HELP}`)
  process.exit(2)
}

function readArguments () {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (err) {
    return usage(err.message)
  }
}

function pick (text, known, what) {
  if (text === undefined) return known
  const names = text.split(',')
  const wrong = names.find((name) => !known.includes(name))
  if (wrong !== undefined) usage(`no ${what} ${wrong}`)
  return names
}

function positive (text, fallback, what) {
  if (text === undefined) return fallback
  const n = Number(text)
  if (!Number.isInteger(n) || n < 1) usage(`${what} must be a whole number above 0`)
  return n
}

function versionOf (name) {
  const file = path.join(__dirname, '..', 'node_modules', name, 'package.json')
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).version : 'not installed'
}

function environment (args) {
  return {
    node: process.version,
    cpu: os.cpus()[0]?.model ?? 'unknown',
    kernel: os.release(),
    origin: args.origin,
    pinning: note,
    agentkeepalive: versionOf('agentkeepalive'),
    undici: versionOf('undici')
  }
}

// What a client in C gets from the same origin, where wrk is installed: the
// most that any client here could reach.
function ceiling (origin) {
  const [command, args] = pinned(CLIENT_CORE, 'wrk',
    ['-t1', '-c50', '-d1', `http://127.0.0.1:${origin.port}${origin.paths.small}`])
  const run = spawnSync(command, args, { encoding: 'utf8' })
  const found = /Requests\/sec:\s+([\d.]+)/.exec(run.stdout ?? '')
  return found ? Number(found[1]) : NaN
}

function progress (text) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

async function runScenario (name, scenario, clients, origin, settings) {
  const results = Object.fromEntries(clients.map((client) => [client, []]))
  const rounds = Math.min(settings.rounds, scenario.rounds ?? Infinity)
  for (let round = 0; round < rounds; round++) {
    for (const client of clients) {
      progress(`${name}: round ${round + 1} of ${rounds}, ${client}`)
      results[client].push(await runTrial(origin, scenario, client, settings))
    }
  }
  if (process.stderr.isTTY) progress('')
  return results
}

function chartOf (report, version) {
  const groups = Object.entries(report)
    .filter(([name]) => scenarios[name].measure === undefined)
    .map(([name, results]) => ({
      name,
      bars: rows(scenarios[name], results).filter((row) => !row.error && row.ratio > 0)
    }))
    .filter((group) => group.bars.length > 0)
  return chart(`hawser bench, Node ${version}`, groups)
}

async function main () {
  const args = readArguments()
  if (args.help) return console.log(HELP)
  const all = Object.keys(scenarios)
  const names = pick(args.scenario, all.filter((name) => !(args.quick && scenarios[name].slow)), 'scenario')
  const settings = {
    rounds: positive(args.rounds, args.quick ? 1 : 5, '--rounds'),
    duration: positive(args.duration, args.quick ? 500 : 2000, '--duration'),
    warmUp: args.quick ? 400 : 1000
  }
  const info = environment(args)
  console.log(`Node ${info.node}, ${info.cpu}, Linux ${info.kernel}, origin ${info.origin}; ${note}`)
  console.log(`agentkeepalive ${info.agentkeepalive}, undici ${info.undici}`)
  const origin = await startOrigin(args.origin, ORIGIN_CORE)
  const report = {}
  let failed = false
  try {
    info.wrk = ceiling(origin)
    console.log(Number.isNaN(info.wrk)
      ? 'wrk is not installed: see the column "origin" for how busy the origin was'
      : `wrk -t1 -c50 from the client's core: ${Math.round(info.wrk).toLocaleString('en-US')} requests/s`)
    for (const name of names) {
      const clients = pick(args.client, scenarios[name].clients, 'client')
        .filter((client) => scenarios[name].clients.includes(client))
      report[name] = await runScenario(name, scenarios[name], clients, origin, settings)
      console.log(table(name, scenarios[name], report[name]))
      failed ||= Object.values(report[name]).flat().some((trial) => trial.error)
    }
  } finally {
    await origin.stop()
  }
  fs.mkdirSync(path.dirname(path.resolve(args.json)), { recursive: true })
  fs.writeFileSync(args.json, JSON.stringify({ environment: info, settings, report }, null, 1))
  const svg = args.json.replace(/(\.json)?$/, '.svg')
  fs.writeFileSync(svg, chartOf(report, process.version))
  console.log(`samples: ${args.json}\nchart:   ${svg}`)
  process.exitCode = failed ? 1 : 0
}

main().catch((err) => {
  console.error(`bench: ${err.message}`)
  process.exitCode = 1
})
