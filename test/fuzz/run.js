// SPDX-License-Identifier: MIT
//
// libFuzzer inside Node: run.js <addon> <libFuzzer's arguments>.
'use strict'

const [, , addon, ...args] = process.argv
require(addon).run('http1', ...args)
