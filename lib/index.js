// SPDX-License-Identifier: MIT
'use strict'

const { Agent } = require('./agent')
const { capabilities } = require('./capabilities')

module.exports = { Agent, capabilities }
