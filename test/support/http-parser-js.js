// SPDX-License-Identifier: MIT
//
// For --require: http-parser-js in the place of Node's parser, as its users do it.
'use strict'

process.binding('http_parser').HTTPParser = require('http-parser-js').HTTPParser
