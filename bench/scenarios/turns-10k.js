// SPDX-License-Identifier: MIT
//
// As `turns`, but with so many connections that none is in a cache when its turn comes.
'use strict'

module.exports = {
  about: '11-byte responses, 1,000 origins with 10 connections each in turns, 50 requests in flight',
  driver: 'turns',
  slow: true,
  // Node's own server and nginx listen on one address here.
  origins: ['native'],
  clients: ['hawser', 'http', 'agentkeepalive'],
  plan: {
    method: 'GET', path: 'small', origins: 1000, connections: 10, concurrency: 50, scheduling: 'fifo', body: 0
  }
}
