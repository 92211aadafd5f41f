// SPDX-License-Identifier: MIT
//
// The package as an import, also from modules of a vm context
// (--experimental-vm-modules).
//
// Usage: modules.mjs <port>
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import vm from 'node:vm'

import { Agent } from '../../../lib/index.mjs'

const require = createRequire(import.meta.url)
const { exercise } = require('./request')
const port = Number(process.argv[2])

assert.equal(Agent, require('../../..').Agent)
await exercise(Agent, port, 'import')

const context = vm.createContext({})
const outer = await import('../../../lib/index.mjs')
const module = new vm.SourceTextModule(
  'import { Agent } from "hawser"; export class Derived extends Agent {}', { context })
await module.link(() => {
  const names = Object.keys(outer)
  return new vm.SyntheticModule(names, function () {
    for (const name of names) this.setExport(name, outer[name])
  }, { context })
})
await module.evaluate()
await exercise(module.namespace.Derived, port, 'vm-module')
console.log('ok')
