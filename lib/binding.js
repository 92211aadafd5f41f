// SPDX-License-Identifier: MIT
//
// Finds and loads the addon. There is no fallback: without it the package
// cannot work, and the error says what to do.
'use strict'

const path = require('node:path')

const FILE = path.join(__dirname, '..', 'build', 'Release', 'hawser.node')

function load () {
  try {
    return require(FILE)
  } catch (cause) {
    throw new Error(
      `hawser: the native addon could not be loaded (${cause.message}). ` +
      'It is built when the package is installed; `npm rebuild hawser` builds it again.',
      { cause })
  }
}

module.exports = load()
