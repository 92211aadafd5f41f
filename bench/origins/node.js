// SPDX-License-Identifier: MIT
//
// Node's own http server as the origin, for machines with neither a C compiler
// nor nginx. It limits the faster clients; the table shows when it does.
'use strict'

const path = require('node:path')

const { counted } = require('./payload')

module.exports = function node () {
  return {
    command: process.execPath,
    args: [path.join(__dirname, 'node-server.js')],
    paths: { small: '/11', '1k': '/1k', '64k': '/64k', post: '/echo-length' },
    answerToPost: counted
  }
}
