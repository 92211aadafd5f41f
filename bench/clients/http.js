// SPDX-License-Identifier: MIT
'use strict'

module.exports = require('./http-request')(require('node:http').Agent, {})
