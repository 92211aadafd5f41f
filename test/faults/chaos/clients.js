// SPDX-License-Identifier: MIT
//
// The eight kinds of clients. Each makes its request according to its plan,
// watched by an Observer, and acts as its kind. All random numbers come from the
// plan.
'use strict'

const http = require('node:http')

const LOOPBACK = [{ address: '127.0.0.1', family: 4 }]
const SEVERAL = [
  { address: '::1', family: 6 }, // nothing listens there
  { address: '127.0.0.2', family: 4 },
  { address: '127.0.0.1', family: 4 }
]

function answerLookup (addresses) {
  return (host, options, callback) => {
    setImmediate(() => {
      if (options.all) callback(null, addresses)
      else callback(null, addresses.at(-1).address, addresses.at(-1).family)
    })
  }
}

const lookupOne = answerLookup(LOOPBACK)
const lookupSeveral = answerLookup(SEVERAL)

function lookupLater (host, options, callback) {
  setImmediate(callback, Object.assign(new Error('no such host'), { code: 'ECHAOS' }))
}

function lookupAtOnce (host, options, callback) {
  callback(Object.assign(new Error('no such host'), { code: 'ECHAOS' }))
}

// Where a plan's request goes.
function target (plan, ports) {
  switch (plan.fault) {
    case 'refused': return { host: '127.0.0.1', port: ports.refused }
    case 'accept-close': return { host: '127.0.0.1', port: ports.closer }
    case 'speaks': return { host: '127.0.0.1', port: ports.speaker }
    case 'nxdomain': return { host: 'x.invalid', port: ports.main }
    case 'lookup':
      return {
        host: 'chaos.test',
        port: ports.main,
        lookup: plan.variant & 1 ? lookupLater : lookupAtOnce
      }
    case 'addresses': return { host: 'several.test', port: ports.main, lookup: lookupSeveral }
  }
  return plan.variant & 64
    ? { host: 'one.test', port: ports.main, lookup: lookupOne }
    : { host: '127.0.0.1', port: ports.main }
}

// Makes the request. agents: see Chaos.
function start (observer, agents, ports) {
  const { plan } = observer
  const { random } = plan
  const options = target(plan, ports)
  options.path = `/${plan.id}`
  options.agent = plan.kind === 'doomed' ? agents.doomed() : random.pick(agents.lasting)
  observer.agent = options.agent
  options.headers = {}
  if (plan.kind === 'head') options.method = 'HEAD'
  if (plan.kind === 'upgrade') {
    options.headers.Connection = 'Upgrade'
    options.headers.Upgrade = 'echo'
  }
  if (plan.kind === 'timeout' && random.chance(50)) options.timeout = 1 + random.below(15)
  let abort = null
  if (plan.kind === 'abort') {
    abort = drawAbort(random)
    if (abort.how === 'signal') {
      abort.controller = new AbortController()
      options.signal = abort.controller.signal
    }
  }
  if (plan.kind === 'post') {
    options.method = 'POST'
    if (random.chance(50)) options.headers['Content-Length'] = plan.upload
    if (random.chance(10)) options.headers.Expect = '100-continue'
  }
  const req = http.request(options)
  observer.watch(req)
  req.on('response', (res) => onResponse(observer, res))
  req.on('upgrade', (res, socket, head) => onUpgrade(observer, res, socket, head))
  if (plan.kind === 'doomed') observer.gaveUp = 'doomed'
  if (plan.kind === 'timeout') prepareTimeout(observer, req, options)
  if (plan.kind === 'abort') prepareAbort(observer, req, abort)
  if (plan.kind === 'post') upload(observer, req, options)
  else req.end()
}

function onResponse (observer, res) {
  const { plan } = observer
  observer.watchResponse(res)
  if (plan.kind === 'paused') return readSlowly(observer, res)
  if (plan.kind === 'get' && plan.random.chance(3)) {
    observer.dumped = true
    return res.resume()
  }
  res.on('data', (chunk) => observer.data(chunk))
}

// -- post ---------------------------------------------------------------------

function upload (observer, req, options) {
  const { plan } = observer
  const { random } = plan
  const body = observer.chaos.planner.uploadBody(plan)
  const step = 1 + random.below(Math.max(body.length, 1))
  const atOnce = random.chance(30)
  let at = 0
  const next = () => {
    req.removeListener('drain', next)
    while (!req.destroyed && !req.writableEnded) {
      const piece = body.subarray(at, at + step)
      at += step
      if (at >= body.length) return req.end(piece)
      const room = req.write(piece)
      if (!room && !atOnce) return req.once('drain', next)
      if (random.chance(30)) return setImmediate(next)
    }
  }
  if (observer.agent.lane !== 'fast') {
    // Node's own request emits no 'drain' after an early response.
    req.once('response', (res) => res.once('end', () => { if (at < body.length) next() }))
  }
  if (options.headers.Expect === undefined) {
    next()
  } else {
    req.once('continue', next)
    // It is not emitted after an early response, or without a connection.
    req.once('response', () => req.removeListener('continue', next))
    req.once('response', () => { if (at === 0) next() })
    req.flushHeaders()
  }
}

// -- paused -------------------------------------------------------------------

function readSlowly (observer, res) {
  const { random } = observer.plan
  const byRead = random.chance(30)
  const pause = () => random.chance(50) ? setImmediate : (next) => setTimeout(next, random.below(8))
  if (byRead) {
    res.on('readable', () => {
      pause()(() => {
        let chunk
        while ((chunk = res.read(1 + random.below(50_000)) ?? res.read()) !== null) {
          observer.data(chunk)
        }
      })
    })
    return
  }
  let pauses = 0
  res.on('data', (chunk) => {
    observer.data(chunk)
    if (pauses++ < 6 && random.chance(60)) {
      res.pause()
      pause()(() => res.resume())
    }
  })
  if (random.chance(30)) {
    res.pause()
    pause()(() => res.resume())
  }
}

// -- abort --------------------------------------------------------------------

const MOMENTS = ['now', 'tick', 'immediate', 'timer', 'socket', 'connect', 'finish', 'response',
  'data', 'second data', 'end', 'close']
const WAYS = ['destroy', 'destroy with error', 'abort', 'response', 'response with error', 'socket',
  'signal']

function drawAbort (random) {
  return {
    when: random.pick(MOMENTS),
    how: random.pick(WAYS),
    ms: random.below(8),
    controller: null
  }
}

function prepareAbort (observer, req, abort) {
  const act = () => {
    observer.gaveUp ??= `${abort.how} at ${abort.when}`
    giveUp(observer, req, abort)
  }
  switch (abort.when) {
    case 'now': return act()
    case 'tick': return process.nextTick(act)
    case 'immediate': return setImmediate(act)
    case 'timer': return setTimeout(act, abort.ms)
    case 'socket': case 'finish': case 'close': return req.once(abort.when, act)
    case 'connect':
      return req.once('socket', (socket) => {
        if (socket.connecting) socket.once('connect', act)
        else act()
      })
    case 'response': return req.once('response', act)
    case 'end': return req.once('response', (res) => res.once('end', act))
  }
  let left = abort.when === 'data' ? 1 : 2
  req.once('response', (res) => res.on('data', () => { if (--left === 0) act() }))
}

function giveUp (observer, req, abort) {
  const reason = Object.assign(new Error(`given up: ${observer.plan.id}`), { code: 'EGIVENUP' })
  switch (abort.how) {
    case 'destroy': return req.destroy()
    case 'destroy with error': return req.destroy(reason)
    case 'abort': return req.abort()
    case 'response': return (observer.res ?? req).destroy()
    case 'response with error': return (observer.res ?? req).destroy(reason)
    case 'signal': return abort.controller.abort()
    case 'socket':
      // Once it was released, it may serve another request.
      if (observer.counts.close === 0 && req.socket) req.socket.destroy()
      else req.destroy()
  }
}

// -- timeout ------------------------------------------------------------------

function prepareTimeout (observer, req, options) {
  req.on('timeout', () => {
    observer.gaveUp ??= 'timeout'
    req.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEOUT' }))
  })
  if (options.timeout === undefined) req.setTimeout(1 + observer.plan.random.below(15))
}

// -- upgrade ------------------------------------------------------------------

// Sends bytes in pieces and waits for their echo.
function onUpgrade (observer, res, socket, head) {
  const { plan } = observer
  const { random } = plan
  observer.watchUpgrade(res, socket)
  const bytes = observer.chaos.planner.body(plan.id, 1, 1 + random.below(20_000))
  let received = 0
  const take = (chunk) => {
    if (!bytes.subarray(received, received + chunk.length).equals(chunk)) observer.wrong ??= 'of the echo differs'
    received += chunk.length
    if (received === bytes.length) {
      observer.echoed = true
      socket.end()
    }
  }
  if (head.length > 0) take(head)
  socket.on('data', take)
  const half = random.below(bytes.length)
  socket.write(bytes.subarray(0, half))
  setImmediate(() => { if (!socket.destroyed) socket.write(bytes.subarray(half)) })
}

module.exports = { start }
