// SPDX-License-Identifier: MIT
//
// Many origins and many connections, all of them busy all the time. Its CPU per
// request, compared with that of `small`, shows what the number of them costs.
'use strict'

module.exports = {
  about: '11-byte responses, 1,000 origins with 10 connections each, all busy',
  driver: 'closed-loop',
  slow: true,
  // Node's own server and nginx listen on one address here.
  origins: ['native'],
  clients: ['hawser', 'http', 'agentkeepalive'],
  plan: { method: 'GET', path: 'small', origins: 1000, connections: 10, concurrency: 10000, body: 0 }
}
