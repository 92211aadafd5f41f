// SPDX-License-Identifier: MIT
//
// Watches one request from its creation to its last event, and checks at the end
// that it ended once, and as its plan allows. It takes no part in the request:
// clients.js does what the client does.
'use strict'

const { expected, trails } = require('./plan')

const kUses = Symbol('chaos.uses') // of a socket, by how many requests

class Observer {
  constructor (chaos, plan) {
    this.chaos = chaos
    this.plan = plan
    this.answer = chaos.planner.answer(plan)
    this.started = Date.now()
    this.epoch = chaos.epoch
    this.agent = null
    this.expect = null // the body, if it is not the plan's
    this.req = null
    this.res = null
    this.socket = null
    this.settled = false
    this.gaveUp = null // what the client did to end the request itself
    this.dumped = false // the client took the response, but not its body
    this.reused = false
    this.fresh = false // the response belongs to no request (sent at accept, or surplus)
    this.counts = {
      response: 0,
      upgrade: 0,
      error: 0,
      close: 0,
      resEnd: 0,
      resError: 0,
      resClose: 0,
      socketClose: 0
    }
    this.codes = []
    this.complete = false
    this.late = false // an error after the complete response
    this.endedBeforeFinish = false
    this.received = 0
    this.wrong = null // what did not match
    this.echoed = false
  }

  fail (text) {
    const { gaveUp, codes } = this
    this.chaos.violation(this.plan, `${text}${gaveUp ? ` (${gaveUp})` : ''} [${codes}]`)
  }

  seen (what) {
    if (++this.counts[what] > 1 && !this.nodeRepeats(what)) this.fail(`'${what}' twice`)
    if (this.settled) this.fail(`'${what}' after the end`)
  }

  // Node itself emits 'close' twice for a request whose connection ends after a
  // response that is read to its end later, and 'error' twice if it was destroyed
  // with bytes after the response still to be parsed.
  nodeRepeats (what) {
    if (this.agent.lane === 'fast' || this.counts[what] > 2) return false
    if (what === 'close') return this.counts.resEnd === 1
    return what === 'error' && this.gaveUp !== null
  }

  watch (req) {
    this.req = req
    req.on('socket', (socket) => {
      this.socket = socket
      this.reused = req.reusedSocket || (socket[kUses] ?? 0) > 0
      socket[kUses] = (socket[kUses] ?? 0) + 1
    })
    req.on('error', (err) => {
      this.seen('error')
      this.codes.push(err.code ?? err.name)
    })
    req.on('close', () => {
      this.seen('close')
      this.maybeSettle()
    })
  }

  // The response's listeners, but for its data.
  watchResponse (res) {
    this.seen('response')
    this.res = res
    this.checkHead(res)
    res.on('end', () => {
      this.seen('resEnd')
      this.endedBeforeFinish = !this.req.writableFinished
      if (!res.complete) this.fail("'end' of a response that is not complete")
      this.complete = true
    })
    res.on('error', (err) => {
      this.seen('resError')
      this.codes.push(err.code ?? err.name)
    })
    res.on('close', () => {
      this.seen('resClose')
      this.maybeSettle()
    })
  }

  checkHead (res) {
    const { fault, kind, id } = this.plan
    if (fault === 'speaks' && res.statusCode === 408) {
      this.fresh = true
      this.expect = Buffer.from(kind === 'head' ? '' : 'too late')
      return
    }
    if (res.headers['x-surplus'] !== undefined) {
      // Bytes for an idle connection may cross a request; the server ensures that
      // they were not there before.
      if (!this.reused) this.fail('a surplus answer on a new connection')
      this.fresh = true
      this.expect = Buffer.from(kind === 'head' ? '' : 'surplus')
      this.chaos.crossed++
      return
    }
    if (res.headers['x-id'] !== String(id)) this.fail(`got the response of ${res.headers['x-id']}`)
  }

  // Compares data with the body as it arrives.
  data (chunk) {
    const want = this.expect ?? expected(this.plan, this.answer).body
    const part = want.subarray(this.received, this.received + chunk.length)
    if (!part.equals(chunk)) this.wrong ??= `differs within ${chunk.length} bytes at ${this.received}`
    this.received += chunk.length
  }

  watchUpgrade (res, socket) {
    this.seen('upgrade')
    this.res = res
    this.checkHead(res)
    socket.on('error', (err) => this.codes.push(`echo ${err.code}`))
    socket.on('close', () => {
      this.seen('socketClose')
      this.maybeSettle()
    })
  }

  maybeSettle () {
    const { close, response, resClose, upgrade, socketClose } = this.counts
    if (close === 0 || resClose < response || socketClose < upgrade || this.settled) return
    // A surplus event would come within a turn or two.
    setImmediate(() => setImmediate(() => {
      if (this.settled) return
      this.settled = true
      this.judge()
      this.chaos.settle(this)
    }))
  }

  judge () {
    const { counts, plan } = this
    const want = expected(plan, this.answer)
    const failed = counts.error + counts.resError > 0
    if (this.wrong !== null) this.fail(`the body ${this.wrong}`)
    if (counts.response > 0 && counts.upgrade > 0) this.fail("'response' and 'upgrade'")
    if (this.complete) {
      const length = (this.expect ?? want.body).length
      if (this.received !== length && !this.dumped && this.gaveUp === null) {
        this.fail(`complete with ${this.received} bytes of ${length}`)
      }
      if (failed) this.judgeLate()
    } else if (!failed && counts.upgrade === 0 && this.gaveUp === null) {
      this.fail('neither complete nor failed')
    }
    const done = this.complete || counts.upgrade > 0
    if (done && want.complete === 'never' && !this.fresh && !this.dumped) this.fail(`complete in spite of ${plan.fault}`)
    if (!done && want.complete === 'must' && !this.excused()) {
      this.fail(`failed with ${this.codes} on a ${this.reused ? 'used' : 'new'} connection without a cause`)
    }
    if (counts.upgrade > 0 && plan.fault === 'none' && !this.echoed && !this.excused()) {
      this.fail(`no echo: ${this.codes}`)
    }
  }

  // The connection is the request's until it is released, after 'end': until then
  // Node reports its errors to the request.
  judgeLate () {
    this.late = true
    if (this.gaveUp !== null || this.disturbed()) return
    if (this.counts.resError > 0) this.fail(`a complete response failed with ${this.codes}`)
    if (!this.endedBeforeFinish && !this.fresh && !trails(this.plan)) this.fail(`complete, and failed with ${this.codes}`)
  }

  disturbed () {
    return this.epoch !== this.chaos.epoch || this.chaos.restarting
  }

  // Is there another cause for a failure than the plan's fault?
  excused () {
    if (this.gaveUp !== null) return true
    if (this.disturbed()) return true
    // The server closed a reused connection, or sent bytes on it, as the request came.
    return this.reused && this.codes.every((code) => code === 'ECONNRESET' || code === 'EPIPE' ||
      code.startsWith('HPE_'))
  }

  outcome () {
    if (this.counts.upgrade > 0) return this.echoed ? 'upgraded' : 'cut'
    if (this.complete) return this.late ? 'late' : 'complete'
    if (this.gaveUp !== null) return 'gave up'
    return this.counts.response > 0 ? 'broken' : 'failed'
  }
}

module.exports = { Observer }
