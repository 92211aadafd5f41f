// SPDX-License-Identifier: MIT
//
// The ring of this environment's addon. A second copy of the package (a test runner makes
// one per file) uses the ring of the first, because there is one addon, with one ring and one
// reader.
'use strict'

const native = require('./binding')

module.exports = native.ring ??= require('./ring')
