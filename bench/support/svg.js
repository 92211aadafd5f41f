// SPDX-License-Identifier: MIT
//
// A bar chart of the ratios to the built-in Agent, one group a scenario.
'use strict'

const COLOURS = {
  hawser: '#0b6e4f',
  http: '#9aa5b1',
  agentkeepalive: '#c7b198',
  'undici-request': '#6c8ebf',
  'undici-dispatch': '#b3c7e6'
}
const LEFT = 130
const SCALE_WIDTH = 560
const BAR = 16
const GAP = 18
const TOP = 64

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

// groups: [{ name, bars: [{ client, ratio }] }]
function chart (title, groups) {
  const most = Math.max(1, ...groups.flatMap((group) => group.bars.map((bar) => bar.ratio)))
  const parts = []
  let y = TOP
  for (const group of groups) {
    parts.push(`<text x="${LEFT - 10}" y="${y + group.bars.length * BAR / 2 + 4}" text-anchor="end" font-weight="bold">${escape(group.name)}</text>`)
    for (const { client, ratio } of group.bars) {
      const width = Math.max(1, ratio / most * SCALE_WIDTH)
      parts.push(`<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 3}" fill="${COLOURS[client] ?? '#888'}"/>`)
      parts.push(`<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + 10}">${ratio.toFixed(2)} ${escape(client)}</text>`)
      y += BAR
    }
    y += GAP
  }
  const base = LEFT + SCALE_WIDTH / most
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + SCALE_WIDTH + 170}" height="${y + 10}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="26" font-size="16">${escape(title)}</text>
<text x="16" y="44" fill="#555">requests per second, built-in keep-alive Agent = 1</text>
<line x1="${base.toFixed(1)}" y1="${TOP - 8}" x2="${base.toFixed(1)}" y2="${y - GAP + 4}" stroke="#c0392b" stroke-dasharray="3 3"/>
${parts.join('\n')}
</svg>
`
}

module.exports = { chart }
