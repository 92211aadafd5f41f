// SPDX-License-Identifier: MIT
//
// As `idle-memory`, but with at most 50 requests in flight, and with so many
// connections that the pages which V8 keeps hardly count: the rest belongs to the
// connections.
'use strict'

module.exports = {
  about: 'RSS of an idle connection, 12,000 of them, opened 50 at a time',
  driver: 'idle-memory',
  flags: ['--expose-gc'],
  slow: true,
  rounds: 2,
  // Node's own server and nginx listen on one address here.
  origins: ['native'],
  clients: ['hawser', 'http'],
  plan: {
    method: 'GET',
    path: 'small',
    origins: 240,
    connections: Infinity,
    body: 0,
    requests: 12000,
    warmUpRequests: 480
  }
}
