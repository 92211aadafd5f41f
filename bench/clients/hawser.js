// SPDX-License-Identifier: MIT
//
// hawser as a user gets it: the package's main. Idle connections outlive a
// trial, as with the built-in Agent.
'use strict'

module.exports = require('./http-request')(require('../..').Agent, { freeSocketTimeout: 60000 })
