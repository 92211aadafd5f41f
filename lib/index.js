// SPDX-License-Identifier: MIT
'use strict'

const { Agent } = require('./agent')
const { HttpsAgent } = require('./https-agent')
const { capabilities } = require('./capabilities')

module.exports = { Agent, HttpsAgent, capabilities }
