// SPDX-License-Identifier: MIT
//
// A chaos run: keeps so many requests in flight, restarts the server now and then,
// destroys agents in mid-request, and pauses several times to check what is left.
// Its result is for chaos.js in the parent folder.
'use strict'

const { fork } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const path = require('node:path')

const { start } = require('./clients')
const { descriptors, newDescriptors, leftIn, within, memory, slope } = require('./leaks')
const { Observer } = require('./observer')
const { Planner } = require('./plan')
const { Random } = require('./random')

const NEVER_MS = 30_000 // a request that has not ended by then never will
const REST_MS = 5000
const MEMORY_MIB = 32
const HEAP_MIB = 6
// Since Node 22 V8 keeps pages in addition to its heap, with any Agent: the RSS
// settles, at twice its initial size, after about 160,000 requests.
const SETTLED = 300_000

class Chaos {
  // options: { Agent, seed, from, requests, concurrency, rests, restartEvery, only,
  // builtin, log }
  constructor (options) {
    this.options = options
    this.planner = new Planner(options.seed)
    this.random = new Random(options.seed, 0xc405)
    this.epoch = 0 // changes when a restart begins and when it ends
    this.restarting = false
    this.restarts = 0
    this.crossed = 0
    this.next = options.from
    this.end = options.from + options.requests
    this.inFlight = new Set()
    this.violations = []
    this.tally = new Map() // fault -> kind -> outcome -> count
    this.codes = new Map()
    this.quiet = null // resolve of rest()
    this.rests = []
    this.seconds = 0
    this.agentsMade = 0
    this.doomed = null
    this.doomedLeft = 0
    this.dooming = new Set()
  }

  violation (plan, text) {
    this.violations.push({ id: plan.id, text: `${plan.kind}, ${plan.fault}: ${text}` })
  }

  async run () {
    const { seed, builtin, Agent } = this.options
    this.server = fork(path.join(__dirname, 'server.js'), [String(seed)])
    this.server.on('message', (message) => this.onMessage(message))
    const [{ ports }] = await once(this.server, 'message')
    this.ports = ports
    const often = [
      new Agent({ maxFreeSockets: 32 }),
      new Agent({ maxSockets: 6, maxTotalSockets: 10, scheduling: 'fifo' }),
      new Agent({ maxSockets: 20, timeout: 400 })
    ]
    const seldom = [
      new Agent({ keepAlive: false }),
      builtin ? new Agent() : nodeLane(new Agent({ maxSockets: 20 }))
    ]
    this.lasting = [...often, ...seldom]
    this.agents = {
      lasting: [...often, ...often, ...often, ...seldom],
      doomed: () => this.doomedAgent()
    }
    this.descriptors = descriptors()
    const watch = setInterval(() => this.lookForNever(), 1000)
    await this.segments()
    clearInterval(watch)
    this.server.send('count')
    const [{ counts, violations }] = await once(this.server, 'message')
    this.serverCounts = counts
    this.violations.push(...violations)
  }

  // The server ends with its channel.
  stop () {
    this.server.disconnect()
    return once(this.server, 'exit')
  }

  onMessage (message) {
    if (!message.restarted) return
    this.restarting = false
    this.epoch++
  }

  // -- load -------------------------------------------------------------------

  async segments () {
    const { from, requests, rests, log } = this.options
    for (let n = 1; n <= rests; n++) {
      this.segmentEnd = from + Math.round(requests * n / rests)
      const began = performance.now()
      await new Promise((resolve) => {
        this.quiet = resolve
        this.fill()
      })
      this.seconds += (performance.now() - began) / 1000
      await this.rest()
      log(`${this.next - from} requests, ${this.violations.length} violations, ` +
        `${Math.round((this.next - from) / this.seconds)}/s, ` +
        `${(this.rests.at(-1).rss / 2 ** 20).toFixed(1)} MiB`)
    }
    this.judgeMemory()
  }

  fill () {
    const { concurrency, restartEvery } = this.options
    while (this.inFlight.size < concurrency && this.next < this.segmentEnd) {
      const id = this.next++
      if (restartEvery > 0 && id % restartEvery === restartEvery - 1) this.restart()
      this.begin(id)
    }
    if (this.inFlight.size === 0 && !this.restarting) this.quiet()
    else if (this.inFlight.size === 0) setImmediate(() => this.fill())
  }

  begin (id) {
    const { only } = this.options
    const plan = this.planner.plan(id)
    if ((only.fault && plan.fault !== only.fault) || (only.kind && plan.kind !== only.kind)) return
    const observer = new Observer(this, plan)
    this.inFlight.add(observer)
    start(observer, this.agents, this.ports)
    const live = observer.agent.chaosLive
    if (live !== undefined) observer.agent.chaosLive = live + 1
  }

  settle (observer) {
    this.inFlight.delete(observer)
    const { fault, kind } = observer.plan
    if (!this.tally.has(fault)) this.tally.set(fault, new Map())
    const kinds = this.tally.get(fault)
    if (!kinds.has(kind)) kinds.set(kind, new Map())
    const outcomes = kinds.get(kind)
    const outcome = observer.outcome()
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    for (const code of observer.codes) this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
    if (observer.agent.chaosLive !== undefined) this.undoom(observer.agent)
    this.fill()
  }

  restart () {
    if (this.restarting) return
    this.restarting = true
    this.restarts++
    this.epoch++
    this.server.send('restart')
  }

  // An agent that is destroyed while its requests are in flight.
  doomedAgent () {
    if (this.doomedLeft-- <= 0) {
      const { Agent } = this.options
      const agent = new Agent(this.random.chance(50) ? { maxSockets: 3 } : {})
      agent.chaosLive = 0
      this.dooming.add(agent)
      this.agentsMade++
      this.doomed = agent
      this.doomedLeft = this.random.below(40)
      const destroy = () => agent.destroy()
      if (this.random.chance(50)) setTimeout(destroy, this.random.below(30))
      else setImmediate(destroy)
    }
    return this.doomed
  }

  // Requests that waited when it was destroyed have got other connections since.
  undoom (agent) {
    agent.chaosLive--
    if (agent.chaosLive === 0 && agent !== this.doomed) this.destroyed(agent)
  }

  async destroyed (agent) {
    agent.destroy()
    if (!await within(REST_MS, () => leftIn(agent).total === 0)) {
      this.violations.push({ id: -1, text: `a destroyed agent keeps ${JSON.stringify(leftIn(agent))}` })
    }
    const left = leftIn(agent)
    if (left.sockets + left.freeSockets + left.requests > 0) {
      this.violations.push({ id: -1, text: `an agent has lists: ${JSON.stringify(left)}` })
    }
    this.dooming.delete(agent)
  }

  lookForNever () {
    const now = Date.now()
    for (const observer of this.inFlight) {
      if (observer.settled || now - observer.started < NEVER_MS) continue
      observer.settled = true
      observer.fail(`never ended: ${JSON.stringify(observer.counts)}, gave up: ${observer.gaveUp}`)
      this.settle(observer)
    }
  }

  // -- rest -------------------------------------------------------------------

  // Nothing is in flight: nothing may be left.
  async rest () {
    this.doomedLeft = 0
    const last = this.doomed
    this.doomed = null
    if (last !== null && last.chaosLive === 0) this.dooming.add(last)
    await Promise.all([...this.lasting, ...this.dooming].map((agent) => this.destroyed(agent)))
    let left = []
    const closed = await within(REST_MS, () => {
      left = newDescriptors(this.descriptors, descriptors())
      return left.length === 0
    })
    if (!closed) this.violations.push({ id: -1, text: `descriptors are left: ${left.slice(0, 5)}` })
    this.rests.push({ requests: this.next - this.options.from, ...await memory() })
  }

  // Up to the first rests the process grows to its final size. AddressSanitizer keeps
  // freed memory, so with it the process always grows.
  judgeMemory () {
    if (process.env.HAWSER_TEST_SANITIZED === '1') return
    const rests = this.rests.slice(Math.ceil(this.rests.length * 0.3))
    if (rests.length < 4) return
    const span = rests.at(-1).requests - rests[0].requests
    for (const [what, limit] of [['rss', MEMORY_MIB], ['heapUsed', HEAP_MIB], ['external', HEAP_MIB]]) {
      const { slope: perRequest, error } = slope(rests.map((rest) => [rest.requests, rest[what]]))
      this[what] = { perRequest, error }
      const grown = perRequest * span / 2 ** 20
      if (what === 'rss' && this.options.requests < SETTLED) continue
      if (grown > limit && perRequest > 3 * error) {
        this.violations.push({ id: -1, text: `${what} grew by ${grown.toFixed(1)} MiB, ${perRequest.toFixed(1)} bytes a request` })
      }
    }
  }
}

// A connection that the user makes takes the Node lane.
function nodeLane (agent) {
  // A signal would end the connection even when it serves another request.
  agent.createConnection = (options) => net.connect({ ...options, signal: undefined })
  return agent
}

module.exports = { Chaos }
