// SPDX-License-Identifier: MIT
//
// Opens `each` connections of every origin, one origin at a time, so that few
// requests are alive at once (otherwise V8 would from then on treat all of them as
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
