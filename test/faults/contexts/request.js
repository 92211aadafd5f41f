// SPDX-License-Identifier: MIT
//
// What every script of this folder does with an Agent: many requests at once over a
// few connections, after which nothing may be left.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')

function request (agent, port, path) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, agent, path }, (res) => {
      let body = ''
      res.setEncoding('latin1')
      res.on('data', (chunk) => { body += chunk })
      res.on('end', () => resolve(body))
      res.on('error', reject)
    }).on('error', reject)
  })
}

// The server responds with the path, repeated a thousand times for some paths.
async function exercise (Agent, port, name) {
  const agent = new Agent({ maxSockets: 3 })
  assert.equal(agent.lane, 'fast')
  const paths = Array.from({ length: 20 }, (_, i) => `/${name}/${i}`)
  const bodies = await Promise.all(paths.map((path) => request(agent, port, path)))
  assert.deepEqual(bodies.map((body) => body.slice(0, body.length / 1000)), paths)
  agent.destroy()
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
}

// Removes the package from Node's cache. addon: the native part too.
function forget (addon) {
  for (const file of Object.keys(require.cache)) {
    if (file.includes('node_modules')) continue
    if (/[\\/]lib[\\/][^\\/]+\.js$/.test(file) || (addon && file.endsWith('.node'))) {
      delete require.cache[file]
    }
  }
}

module.exports = { exercise, forget }
