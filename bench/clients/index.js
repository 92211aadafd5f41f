// SPDX-License-Identifier: MIT
//
// The clients by name, in the order of the tables. The modules are loaded only
// in the processes of the trials, so that one that cannot be loaded stops no other.
//
// A client is { open (plan, onChunk), close () }. open() makes the pool and
// returns send(slot, done): one request, its body consumed to the end, then
// done(slot, error or null, status, bytes). onChunk(slot, chunk), if given,
// sees every piece of every body.
'use strict'

const HTTP = 'http.request with '

module.exports = {
  hawser: { about: `${HTTP}hawser's Agent` },
  http: { about: `${HTTP}the built-in keep-alive Agent: the base of all ratios` },
  agentkeepalive: { about: `${HTTP}agentkeepalive`, peer: 'agentkeepalive' },
  'undici-request': { about: 'undici Pool.request, pipelining 1', peer: 'undici' },
  'undici-dispatch': { about: 'undici Pool.dispatch, pipelining 1', peer: 'undici' }
}
