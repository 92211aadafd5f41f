// SPDX-License-Identifier: MIT
//
// A whole garbage collection, without a flag on the command line.
'use strict'

const v8 = require('node:v8')
const vm = require('node:vm')

v8.setFlagsFromString('--expose-gc')

module.exports = { collect: vm.runInNewContext('gc') }
