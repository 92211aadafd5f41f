// SPDX-License-Identifier: MIT
//
// For --require: replaces Node's parser with http-parser-js, as its users do it.
'use strict'

// eslint-disable-next-line n/no-deprecated-api -- it is the way they have
process.binding('http_parser').HTTPParser = require('http-parser-js').HTTPParser
