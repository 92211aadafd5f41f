// SPDX-License-Identifier: MIT
//
// A bar chart of the ratios to the built-in Agent, one group per scenario.
'use strict'

const COLOURS = {
  hawser: '#0b6e4f',
  http: '#9aa5b1',
  agentkeepalive: '#c7a77a',
  'undici-request': '#5b82b8',
  'undici-dispatch': '#a9c1e3'
}
const OTHER_COLOUR = '#888888'
const LEFT = 170 // of the bars
const WIDTH = 470 // of the longest bar
const RIGHT = 190 // for the text after it
const BAR = 18
const HALO = 'stroke="#ffffff" stroke-width="3" paint-order="stroke"' // over the dashed line
const GAP = 20
const TOP = 84

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

function text (x, y, content, attributes = '') {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(content)}</text>`
}

function bar ({ client, ratio }, y, scale) {
  const width = Math.max(1, ratio * scale)
  const bold = client === 'hawser' ? `${HALO} font-weight="bold"` : HALO
  return `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 4}" ` +
    `rx="2" fill="${COLOURS[client] ?? OTHER_COLOUR}"/>\n` +
    text(LEFT + width + 7, y + 11, `${ratio.toFixed(2)}  ${client}`, bold)
}

function group ({ name, what, bars }, top, scale) {
  const middle = top + bars.length * BAR / 2
  return [
    text(LEFT - 14, middle, name, 'text-anchor="end" font-weight="bold"'),
    text(LEFT - 14, middle + 14, what, 'text-anchor="end" fill="#666666" font-size="10"'),
    ...bars.map((one, i) => bar(one, top + i * BAR, scale))
  ].join('\n')
}

// groups: [{ name, what, bars: [{ client, ratio }] }]; subtitle: below the title
function chart (title, subtitle, groups) {
  const scale = WIDTH / Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio)))
  const parts = []
  let y = TOP
  for (const one of groups) {
    parts.push(group(one, y, scale))
    y += one.bars.length * BAR + GAP
  }
  const width = LEFT + WIDTH + RIGHT
  const base = (LEFT + scale).toFixed(1)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" ` +
    `viewBox="0 0 ${width} ${y}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222222">
<rect width="100%" height="100%" fill="#ffffff"/>
${text(20, 30, title, 'font-size="17" font-weight="bold"')}
${text(20, 50, subtitle, 'fill="#666666"')}
<line x1="${base}" y1="${TOP - 8}" x2="${base}" y2="${y - GAP + 4}" stroke="#c0392b" stroke-dasharray="3 3"/>
${text(Number(base), TOP - 13, 'built-in Agent = 1', 'text-anchor="middle" fill="#c0392b" font-size="10"')}
${parts.join('\n')}
</svg>
`
}

module.exports = { chart }
