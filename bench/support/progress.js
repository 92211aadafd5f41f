// SPDX-License-Identifier: MIT
//
// Says on stderr what is going on: one line that is written over on a terminal,
// a line for each trial elsewhere.
'use strict'

function progress (text) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

function clearProgress () {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

module.exports = { progress, clearProgress }
