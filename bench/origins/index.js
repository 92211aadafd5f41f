// SPDX-License-Identifier: MIT
//
// The origins by name, for --origin and --list. Each module gives the command
// that serves, the paths of the bodies and what a POST is answered with.
'use strict'

module.exports = {
  native: { about: 'epoll server in C of our own, one thread', plan: require('./native') },
  nginx: { about: 'nginx with one worker, where it is installed', plan: require('./nginx') },
  node: { about: 'Node\'s own http server', plan: require('./node') }
}
