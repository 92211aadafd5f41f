// SPDX-License-Identifier: MIT
//
// The origins by name, for --origin and --list. Each module gives the command
// of the server, the paths of the bodies and the response to a POST.
'use strict'

module.exports = {
  native: { about: 'this repository\'s epoll server in C, one thread', plan: require('./native') },
  nginx: { about: 'nginx with one worker, where it is installed', plan: require('./nginx') },
  node: { about: 'Node\'s own http server', plan: require('./node') }
}
