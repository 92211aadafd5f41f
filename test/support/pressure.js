// SPDX-License-Identifier: MIT
//
// Preloaded into every process of a run under pressure (npm run test:pressure): each
// connection of the core has the smallest send buffer, so that anything longer than a
// few KiB is queued, and garbage is collected after every write.
'use strict'

const path = require('node:path')

const { collect } = require('./collect')

const WRITES = ['send', 'writeLatin1', 'writeUtf8', 'writeBuffer', 'writev']
const FULL = 16 // every so many collections are of the whole heap

let shrink = null
let writes = 0

function press (native) {
  shrink ??= require('../build/Release/pressure_test.node')
  for (const name of WRITES) {
    const write = native[name]
    native[name] = (id, ...args) => {
      shrink(native.fd(id))
      const result = write(id, ...args)
      collect(++writes % FULL === 0 ? undefined : { type: 'minor' })
      return result
    }
  }
}

const { dlopen } = process

process.dlopen = function (module, file, ...rest) {
  const result = Reflect.apply(dlopen, this, [module, file, ...rest])
  if (path.basename(file) === 'hawser.node') press(module.exports)
  return result
}
