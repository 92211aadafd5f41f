// SPDX-License-Identifier: MIT
//
// A look-up that answers at once with these addresses, in either form of dns.lookup().
'use strict'

const HERE = { address: '127.0.0.1', family: 4 }

const finds = (...list) => (host, options, callback) => options.all
  ? callback(null, list)
  : callback(null, list[0].address, list[0].family)

module.exports = { HERE, finds }
