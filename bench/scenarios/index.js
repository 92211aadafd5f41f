// SPDX-License-Identifier: MIT
//
// The scenarios by name, in the order in which they run. `driver` makes the
// requests (bench/drivers), `plan` is its input, `clients` lists the clients that
// take part. `brief`: runs without an option. `slow`: does not run with --quick.
// `rounds`: the most rounds. `share`: also measures hawser's own share. `together`:
// the clients of a round run at the same time, because nothing is timed.
// `origins`: the origins that can serve it, if not all can.
'use strict'

module.exports = {
  small: require('./small'),
  '1k': require('./1k'),
  '64k': require('./64k'),
  single: require('./single'),
  'post-4k': require('./post-4k'),
  'waiting-10k': require('./waiting-10k'),
  'waiting-200k': require('./waiting-200k'),
  scale: require('./scale'),
  turns: require('./turns'),
  'turns-10k': require('./turns-10k'),
  'idle-memory': require('./idle-memory'),
  'idle-memory-steps': require('./idle-memory-steps'),
  'idle-memory-cold': require('./idle-memory-cold')
}
