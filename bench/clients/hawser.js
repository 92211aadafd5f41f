// SPDX-License-Identifier: MIT
'use strict'

module.exports = require('./http-request')(require('../..').Agent, { freeSocketTimeout: 60000 })
