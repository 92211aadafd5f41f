// SPDX-License-Identifier: MIT
//
// Shows progress on stderr: on a terminal one line that is overwritten, elsewhere
// a line for each trial.
'use strict'

function progress (text) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

function clearProgress () {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

module.exports = { progress, clearProgress }
