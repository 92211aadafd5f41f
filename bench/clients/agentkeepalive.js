// SPDX-License-Identifier: MIT
'use strict'

module.exports = require('./http-request')(require('agentkeepalive'), { freeSocketTimeout: 60000 })
