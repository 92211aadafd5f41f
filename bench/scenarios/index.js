// SPDX-License-Identifier: MIT
//
// The scenarios by name, in the order in which they run. `driver` is how the
// requests are made (bench/drivers), `plan` is what it is told, `clients` those
// that apply. `brief` are those that run without an option, `slow` keeps one out of
// --quick, `rounds` is the most that it has, `share` measures hawser's own share
// too, `together` runs the clients of a round at the same time: where nothing is
// timed; `origins` names those that serve it, where not all do.
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
