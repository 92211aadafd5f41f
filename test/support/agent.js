// SPDX-License-Identifier: MIT
//
// The Agent under test. HAWSER_TEST_AGENT=builtin replaces it with Node's own
// (with keepAlive on), to check that a test of parity is correct.
'use strict'

const http = require('node:http')

const isHawser = process.env.HAWSER_TEST_AGENT !== 'builtin'

class BuiltinAgent extends http.Agent {
  constructor (options) {
    super({ keepAlive: true, ...options })
  }
}

module.exports = {
  Agent: isHawser ? require('../..').Agent : BuiltinAgent,
  isHawser,
  hawserOnly: isHawser ? false : 'hawser only'
}
