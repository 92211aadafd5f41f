// SPDX-License-Identifier: MIT
//
// The tables: medians with their ranges, and the ratio to the built-in Agent, which
// is the median of the ratios within each round. Warnings below a table say what
// makes its figures doubtful.
'use strict'

const { median, summary } = require('./statistics')

const BASE = 'http'
const ORIGIN_LIMIT = 0.9 // share of its core above which the origin may be the limit
const SETTLED = 12000 // ms of rest before memory is measured; see drivers/idle-memory.js
const OTHERS_LIMIT = 0.1 // share of the client's core that others may have
const IDLE_LIMIT = 0.85 // with many connections, client or origin must be busier than this

const KEYS = ['user', 'system', 'p50', 'p99', 'seconds', 'clientBusy', 'originBusy', 'others', 'settle']

function measure (scenario) {
  return scenario.driver === 'idle-memory' ? 'bytes' : 'rps'
}

function ratio (results, client, key) {
  const ratios = []
  for (const [round, trial] of results[client].entries()) {
    const base = results[BASE]?.[round]
    if (base && !base.error && !trial.error) ratios.push(trial[key] / base[key])
  }
  return ratios.length > 0 ? median(ratios) : NaN
}

// One row per client: its figures from the successful trials, and `error` if one
// failed.
function rows (scenario, results) {
  const key = measure(scenario)
  return Object.keys(results).map((client) => {
    const good = results[client].filter((trial) => !trial.error)
    const failed = results[client].filter((trial) => trial.error)
    const [first] = failed
    const row = { client, failed: failed.length, error: first?.error, missing: first?.missing }
    row.errors = failed.reduce((sum, trial) => sum + (trial.errors || 0), 0)
    if (good.length === 0) return row
    row.main = summary(good.map((trial) => trial[key]))
    row.ratio = ratio(results, client, key)
    for (const one of KEYS) row[one] = median(good.map((trial) => trial[one] ?? NaN))
    return row
  })
}

const whole = (n) => Number.isNaN(n) ? '-' : Math.round(n).toLocaleString('en-US')
const fixed = (n, digits, unit = '') => Number.isNaN(n) ? '-' : n.toFixed(digits) + unit
const percent = (n) => fixed(n * 100, 0, '%')
const range = ({ median, min, max }) => `${whole(median)} (${whole(min)}-${whole(max)})`

const RPS = {
  'req/s': (row) => range(row.main),
  ratio: (row) => fixed(row.ratio, 2, 'x'),
  'CPU us/req (user+sys)': (row) =>
    `${fixed(row.user + row.system, 1)} (${fixed(row.user, 1)}+${fixed(row.system, 1)})`
}
const BUSY = {
  errors: (row) => String(row.errors),
  client: (row) => percent(row.clientBusy),
  origin: (row) => percent(row.originBusy),
  others: (row) => percent(row.others)
}
const LOOP = { ...RPS, 'p50 us': (row) => whole(row.p50), 'p99 us': (row) => whole(row.p99), ...BUSY }
const COLUMNS = {
  'closed-loop': LOOP,
  turns: LOOP,
  burst: { ...RPS, 'time s': (row) => fixed(row.seconds, 2), ...BUSY },
  'idle-memory': {
    'bytes/connection': (row) => range(row.main),
    ratio: (row) => fixed(row.ratio, 2, 'x'),
    errors: (row) => String(row.errors)
  }
}

// Another process used the client's core, or the machine stood still: with many
// requests in flight, either the client or the origin is always busy.
function isDisturbed (row, { connections }) {
  const idle = row.clientBusy < IDLE_LIMIT && row.originBusy < IDLE_LIMIT
  return row.others > OTHERS_LIMIT || (connections > 1 && idle)
}

// ceiling: what wrk got from the same path, or null
function notes (list, scenario, ceiling) {
  const lines = []
  for (const row of list) {
    if (row.missing) {
      lines.push(`${row.client}: NOT MEASURED, it could not be loaded: ${row.error}`)
    } else if (row.error) {
      lines.push(`${row.client}: FAILED, trials that failed: ${row.failed}: ${row.error}`)
    }
  }
  const limited = list.filter((row) => row.originBusy > ORIGIN_LIMIT).map((row) => row.client)
  if (limited.length > 0) lines.push(`warning: the origin was the limit for ${limited.join(', ')}`)
  const disturbed = list.filter((row) => isDisturbed(row, scenario.plan)).map((row) => row.client)
  if (disturbed.length > 0) {
    lines.push('warning: the machine was not free (columns client, others); trust ' +
      `CPU us/req more than req/s for ${disturbed.join(', ')}`)
  }
  if (list.some((row) => row.settle < SETTLED)) {
    lines.push('note: measured after a short rest; these bytes still include V8\'s own growth')
  }
  if (ceiling !== null && list.some((row) => row.main?.median > ceiling.rps)) {
    lines.push('note: a client got more than wrk: wrk was disturbed and shows no limit')
  }
  return lines
}

function table (name, scenario, results, ceiling = null) {
  const columns = COLUMNS[scenario.driver]
  const list = rows(scenario, results)
  const lines = [['client', ...Object.keys(columns)]]
  for (const row of list) {
    lines.push([row.client, ...Object.values(columns).map((cell) => row.main ? cell(row) : '-')])
  }
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  const text = lines.map((line) => line.map((cell, i) =>
    i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ').trimEnd())
  return ['', `${name}: ${scenario.about}`, ...text, ...notes(list, scenario, ceiling)].join('\n')
}

module.exports = { rows, table, measure }
