// SPDX-License-Identifier: MIT
//
// The built-in keep-alive Agent, with which all others are compared.
'use strict'

module.exports = require('./http-request')(require('node:http').Agent, {})
