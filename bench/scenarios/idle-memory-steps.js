// SPDX-License-Identifier: MIT
//
// As `idle-memory`, but never more than 50 requests are under way, and there are
// enough of them that what V8 keeps of its pages once hardly counts: what is left
// is the connections'.
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
