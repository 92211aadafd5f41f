// SPDX-License-Identifier: MIT
//
// The samples as an SVG: one panel per column, time from left to right.
'use strict'

const WIDTH = 860
const LEFT = 90
const RIGHT = 20
const PANEL = 110
const GAP = 34
const TOP = 60

const escape = (text) => String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;')

const label = (value) => value < 1000 ? value.toPrecision(3) : Math.round(value).toLocaleString('en-US')

function panel ({ title, values }, seconds, top) {
  const known = values.filter(Number.isFinite)
  const max = Math.max(...known) * 1.05 || 1
  const end = seconds.at(-1) || 1
  const x = (i) => LEFT + seconds[i] / end * (WIDTH - LEFT - RIGHT)
  const y = (value) => top + PANEL - value / max * PANEL
  const points = values.map((value, i) => Number.isFinite(value) ? `${x(i).toFixed(1)},${y(value).toFixed(1)}` : '')
  return `<text x="${LEFT}" y="${top - 8}" font-weight="bold">${escape(title)}</text>
<rect x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${PANEL}" fill="none" stroke="#cccccc"/>
<text x="${LEFT - 8}" y="${top + 10}" text-anchor="end">${label(max)}</text>
<text x="${LEFT - 8}" y="${top + PANEL}" text-anchor="end">0</text>
<polyline fill="none" stroke="#0b6e4f" stroke-width="1.2" points="${points.filter(Boolean).join(' ')}"/>`
}

// panels: [{ title, values }], a value for each of seconds
function chart (title, subtitle, seconds, panels) {
  const height = TOP + panels.length * (PANEL + GAP) + 20
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
    `viewBox="0 0 ${WIDTH} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#222222">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="20" y="22" font-size="15" font-weight="bold">${escape(title)}</text>
<text x="20" y="38" fill="#666666">${escape(subtitle)}</text>
${panels.map((one, i) => panel(one, seconds, TOP + 8 + i * (PANEL + GAP))).join('\n')}
<text x="${WIDTH - RIGHT}" y="${height - 8}" text-anchor="end">${seconds.at(-1)} s</text>
</svg>
`
}

module.exports = { chart }
