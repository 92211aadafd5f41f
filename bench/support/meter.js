// SPDX-License-Identifier: MIT
//
// Time and CPU between two moments of a trial, per request. `others` is the
// share of the client's core that other processes used, `originBusy` the share of
// its core that the origin used.
'use strict'

const { ofProcesses, ofCore } = require('./cpu-time')

class Meter {
  constructor (plan) {
    this.plan = plan
    this.from = null
  }

  start () {
    this.from = this.#now()
  }

  stop (requests) {
    const { from } = this
    const to = this.#now()
    const seconds = (to.time - from.time) / 1000
    const user = to.cpu.user - from.cpu.user
    const system = to.cpu.system - from.cpu.system
    const busy = (user + system) / 1e6 / seconds
    return {
      rps: requests / seconds,
      user: user / requests,
      system: system / requests,
      clientBusy: busy,
      originBusy: (to.origin - from.origin) / seconds,
      others: Math.max(0, (to.core - from.core) / seconds - busy),
      requests,
      seconds
    }
  }

  #now () {
    const origin = ofProcesses(this.plan.originPids)
    const core = ofCore(this.plan.core)
    return { origin, core, cpu: process.cpuUsage(), time: performance.now() }
  }
}

module.exports = { Meter }
