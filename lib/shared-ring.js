// SPDX-License-Identifier: MIT
//
// The ring of this environment's addon. A second copy of the package (a test
// runner makes one for each of its files) uses the first one's, because the
// addon is one and has one ring and one reader.
'use strict'

const native = require('./binding')

module.exports = native.ring ??= require('./ring')
