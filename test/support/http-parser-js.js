// SPDX-License-Identifier: MIT
//
// For --require: http-parser-js in the place of Node's parser, as its users do it.
'use strict'

// eslint-disable-next-line n/no-deprecated-api -- it is the way they have
process.binding('http_parser').HTTPParser = require('http-parser-js').HTTPParser
