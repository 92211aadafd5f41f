// SPDX-License-Identifier: MIT
//
// The bench's own origin, origin.c. It prints its port and ends when its stdin closes.
'use strict'

const path = require('node:path')

const compile = require('../support/compile')
const { counted } = require('./payload')

module.exports = function native () {
  return {
    command: compile(path.join(__dirname, 'origin.c')),
    args: [],
    paths: { small: '/11', '1k': '/1k', '64k': '/64k', post: '/echo-length' },
    answerToPost: counted
  }
}
