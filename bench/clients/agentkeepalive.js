// SPDX-License-Identifier: MIT
//
// agentkeepalive, a widely used keep-alive Agent. Idle connections outlive a
// trial, as with the built-in Agent.
'use strict'

module.exports = require('./http-request')(require('agentkeepalive'), { freeSocketTimeout: 60000 })
