// SPDX-License-Identifier: MIT
//
// Reads the command line of run.js. A mistake in it throws an error of its own
// class, for exit code 2.
'use strict'

const path = require('node:path')
const { parseArgs } = require('node:util')

const clients = require('../clients')
const origins = require('../origins')
const scenarios = require('../scenarios')

class UsageError extends Error {}

// In ms. The JavaScript of undici takes about a second to be optimised, hawser's
// a quarter: a shorter warm-up would favour hawser.
const FULL = { rounds: 3, duration: 1000, warmUp: 1000, settle: 12000 }
// The same warm-up, measured for as long as 20,000 requests take.
const BRIEF = { ...FULL, duration: 300 }
// After so short a settle, the bytes of a connection still include V8's own growth.
const QUICK = { rounds: 1, duration: 350, warmUp: 750, settle: 500 }

const namesOf = (flag) => Object.keys(scenarios).filter((name) => scenarios[name][flag]).join(', ')

const HELP = `node bench/run.js [options]
  without an option  less than 90 s: ${namesOf('brief')}, in short trials
  --all              all scenarios (about 10 minutes)
  --quick            less than a minute: one short round, without the slow scenarios
  --scenario A,B     only these scenarios
  --client A,B       only these clients; ratios need http
  --origin NAME      ${Object.keys(origins).join(', ')} (default native)
  --rounds N         rounds of each scenario (default ${FULL.rounds}, with --quick ${QUICK.rounds})
  --duration MS      measured time of a trial (default ${FULL.duration}, with --quick ${QUICK.duration},
                     without an option ${BRIEF.duration})
  --json FILE        raw samples (default bench/results/latest.json); a chart of the
                     ratios is written next to it, with .svg
  --list             the names of scenarios, clients and origins
  --help             this text
`

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  scenario: { type: 'string' },
  client: { type: 'string' },
  origin: { type: 'string', default: 'native' },
  rounds: { type: 'string' },
  duration: { type: 'string' },
  json: { type: 'string', default: path.join(__dirname, '..', 'results', 'latest.json') },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false }
}

// Names in a comma-separated list, in the order of the table they come from.
function pick (text, table, what) {
  const known = Object.keys(table)
  if (text === undefined) return known
  const names = text.split(',')
  const wrong = names.find((name) => !known.includes(name))
  if (wrong !== undefined) {
    throw new UsageError(`no ${what} "${wrong}"; there are ${known.join(', ')}`)
  }
  return known.filter((name) => names.includes(name))
}

function positive (text, fallback, what) {
  if (text === undefined) return fallback
  const n = Number(text)
  if (!Number.isInteger(n) || n < 1) throw new UsageError(`${what} must be a whole number above 0`)
  return n
}

// What is measured if no scenario is named, and how.
function presetOf ({ quick, all, scenario }) {
  if (quick && all) throw new UsageError('--quick and --all exclude each other')
  if (quick) {
    return {
      settings: QUICK,
      takes: ({ slow }) => !slow,
      what: '--quick: checks that everything works; its figures are not for quoting'
    }
  }
  if (all || scenario !== undefined) return { settings: FULL, takes: () => true, what: '' }
  return {
    settings: BRIEF,
    takes: ({ brief }) => brief,
    what: `the short form, trials of ${BRIEF.duration} ms: --all measures all scenarios in longer trials`
  }
}

function readOptions (argv) {
  let values
  try {
    values = parseArgs({ args: argv, options: OPTIONS }).values
  } catch (err) {
    throw new UsageError(err.message)
  }
  const preset = presetOf(values)
  pick(values.origin, origins, 'origin')
  return {
    help: values.help,
    list: values.list,
    origin: values.origin,
    json: values.json,
    clients: pick(values.client, clients, 'client'),
    scenarios: pick(values.scenario, scenarios, 'scenario')
      .filter((name) => values.scenario !== undefined || preset.takes(scenarios[name]))
      .filter((name) => scenarios[name].origins?.includes(values.origin) ?? true),
    what: preset.what,
    settings: {
      ...preset.settings,
      rounds: positive(values.rounds, preset.settings.rounds, '--rounds'),
      duration: positive(values.duration, preset.settings.duration, '--duration')
    }
  }
}

function list () {
  const tables = { Scenarios: scenarios, Clients: clients, Origins: origins }
  return Object.entries(tables).map(([title, table]) => `${title}:\n${Object.entries(table)
    .map(([name, { about }]) => `  ${name.padEnd(18)}${about}\n`).join('')}`).join('\n')
}

module.exports = { readOptions, list, HELP, UsageError }
