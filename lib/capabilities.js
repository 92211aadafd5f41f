// SPDX-License-Identifier: MIT
//
// What this process can do, for logs and bug reports.
'use strict'

const ring = require('./shared-ring')
const { whyNotNow, lacking } = require('./host')

/**
 * @returns {{ fastLane: boolean, reason: string | null, lacking: string[], llhttp: string,
 *   uv: string }}
 *   `fastLane` is false when the host's llhttp failed the check at load, when
 *   HAWSER_LANE=node is set, and while something in this process must be asked
 *   that only Node's own connections ask; `reason` says which.
 *   `lacking` is what this Node does not let us do.
 */
function capabilities () {
  const reason = ring.reason ?? whyNotNow()
  return {
    fastLane: reason === null,
    reason,
    lacking: [...lacking],
    llhttp: process.versions.llhttp,
    uv: process.versions.uv
  }
}

module.exports = { capabilities }
