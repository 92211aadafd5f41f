// SPDX-License-Identifier: MIT
//
// Connections become idle and are leased again: half of them are busy.
'use strict'

module.exports = {
  about: '11-byte responses, 50 connections in turns, 25 requests in flight',
  driver: 'turns',
  slow: true,
  clients: ['hawser', 'http', 'agentkeepalive'],
  plan: {
    method: 'GET', path: 'small', origins: 1, connections: 50, concurrency: 25, scheduling: 'fifo', body: 0
  }
}
