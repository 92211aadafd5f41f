// SPDX-License-Identifier: MIT
//
// The package inside vm contexts, as test runners load it: each context has
// its own copy of the JavaScript and its own globals; they share the addon.
//
// Usage: realms.js <port>
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const vm = require('node:vm')

const { exercise } = require('./request')

const port = Number(process.argv[2])
const INDEX = path.join(__dirname, '..', '..', '..', 'lib', 'index.js')

// A require() whose modules live in `context`; Node's own and the addon do not.
function requireIn (context) {
  const cache = new Map()
  const load = (file) => {
    if (cache.has(file)) return cache.get(file).exports
    const module = { exports: {} }
    cache.set(file, module)
    const outer = createRequire(file)
    const inner = (name) => {
      const found = name.startsWith('node:') ? name : outer.resolve(name)
      return found.endsWith('.js') ? load(found) : outer(name)
    }
    const wrapped = `(function (exports, require, module, __filename, __dirname) {${fs.readFileSync(file)}\n})`
    vm.runInContext(wrapped, context, { filename: file })(
      module.exports, inner, module, file, path.dirname(file))
    return module.exports
  }
  return load
}

async function main () {
  const agents = []
  for (let n = 0; n < 3; n++) {
    const context = vm.createContext({ process, Buffer, setImmediate, setTimeout, console, URL })
    agents.push(requireIn(context)(INDEX).Agent)
    await exercise(agents[n], port, `realm-${n}`)
  }
  agents.push(require('../../..').Agent)
  assert.equal(new Set(agents).size, 4)
  await Promise.all(agents.map((Agent, n) => exercise(Agent, port, `together-${n}`)))
  console.log('ok')
}

main()
