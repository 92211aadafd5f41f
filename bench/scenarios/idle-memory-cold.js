// SPDX-License-Identifier: MIT
//
// Memory of idle connections in a process that has had no connections before.
'use strict'

module.exports = {
  about: 'RSS of an idle connection, 3,000 of them, the first ones',
  driver: 'idle-memory',
  flags: ['--expose-gc'],
  rounds: 2,
  together: true,
  clients: ['hawser', 'http'],
  plan: {
    method: 'GET', path: 'small', connections: Infinity, body: 0, requests: 3000, warmUpRequests: 0
  }
}
