// SPDX-License-Identifier: MIT
//
// The tables: medians, the range behind them, and the ratio to the built-in
// Agent, which is the median of the ratios within each round.
'use strict'

const { median, summary } = require('./statistics')

const BASE = 'http'

function column (trials, key) {
  return summary(trials.map((trial) => trial[key]))
}

function ratio (results, client, key) {
  const ratios = []
  for (const [round, trial] of results[client].entries()) {
    const base = results[BASE]?.[round]
    if (base && !base.error && !trial.error) ratios.push(trial[key] / base[key])
  }
  return ratios.length > 0 ? median(ratios) : NaN
}

// One row a client: { client, error } or its figures.
function rows (scenario, results) {
  const key = scenario.measure ?? 'rps'
  return Object.keys(results).map((client) => {
    const good = results[client].filter((trial) => !trial.error)
    const failed = results[client].find((trial) => trial.error)
    if (failed) return { client, error: failed.error }
    const row = { client, main: column(good, key), ratio: ratio(results, client, key) }
    if (key === 'rps') {
      row.user = column(good, 'user')
      row.system = column(good, 'system')
      row.p50 = column(good, 'p50')
      row.p99 = column(good, 'p99')
      row.originBusy = column(good, 'originBusy')
      row.p50Ratio = ratio(results, client, 'p50')
    }
    return row
  })
}

const whole = (n) => Number.isNaN(n) ? '-' : Math.round(n).toLocaleString('en-US')
const fixed = (n, digits) => Number.isNaN(n) ? '-' : n.toFixed(digits)

function cells (row) {
  if (row.error) return [row.client, `failed: ${row.error}`]
  const main = [row.client, whole(row.main.median),
    `${whole(row.main.min)} to ${whole(row.main.max)}`, `${fixed(row.ratio, 2)}x`]
  if (row.user === undefined) return main
  return [...main, fixed(row.user.median, 1), fixed(row.system.median, 1), fixed(row.p50.median, 0),
    fixed(row.p99.median, 0), `${fixed(row.originBusy.median * 100, 0)}%`]
}

function table (name, scenario, results) {
  const head = scenario.measure === 'bytes'
    ? ['client', 'bytes', 'min to max', 'ratio']
    : ['client', 'req/s', 'min to max', 'ratio', 'user us', 'sys us', 'p50 us', 'p99 us', 'origin']
  const lines = [head, ...rows(scenario, results).map(cells)]
  const widths = head.map((_, i) => Math.max(...lines.map((line) =>
    line.length === 2 && i === 1 ? 0 : (line[i] ?? '').length)))
  const text = lines.map((line) => line.map((cell, i) =>
    i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ').trimEnd())
  return `\n${name}: ${scenario.about}\n${text.join('\n')}\n`
}

module.exports = { rows, table }
