// SPDX-License-Identifier: MIT
//
// Opens `each` connections of every origin, those of one origin at a time, so that
// never many requests are alive at once (V8 would go on to take all of them for
// long-lived).
'use strict'

module.exports = function openConnections (send, tally, origins, each) {
  return new Promise((resolve) => {
    function next (origin) {
      if (origin === origins) return resolve()
      let left = each
      const finish = (slot, err, status, bytes) => {
        tally.add(err, status, bytes)
        // 'free' comes on a later tick than the end of the response.
        if (--left === 0) setImmediate(next, origin + 1)
      }
      for (let i = 0; i < each; i++) send(origin, finish)
    }
    next(0)
  })
}
