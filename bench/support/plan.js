// SPDX-License-Identifier: MIT
//
// The input of a trial: the scenario's plan, the origin's address and the right
// response.
'use strict'

const crypto = require('node:crypto')

const { payload } = require('../origins/payload')

function rightAnswer (origin, path, body) {
  return path === 'post' ? origin.answerToPost(body) : payload(path)
}

function trialPlan (scenario, client, origin, settings) {
  const { plan } = scenario
  return {
    ...plan,
    client,
    driver: scenario.driver,
    port: origin.port,
    path: origin.paths[plan.path],
    bytes: rightAnswer(origin, plan.path, plan.body).length,
    originPids: origin.pids,
    duration: settings.duration,
    warmUp: settings.warmUp,
    settle: settings.settle
  }
}

const POSTED = 4096

// For the trial in which a client shows that it gets the right bytes.
function sameBytesPlan (client, peer, origin) {
  const bodies = Object.entries(origin.paths).map(([name, path]) => {
    const body = name === 'post' ? POSTED : 0
    const answer = rightAnswer(origin, name, body)
    const sha256 = crypto.createHash('sha256').update(answer).digest('hex')
    return { name, method: body > 0 ? 'POST' : 'GET', path, body, sha256 }
  })
  return { client, peer, driver: 'same-bytes', port: origin.port, originPids: origin.pids, bodies }
}

module.exports = { trialPlan, sameBytesPlan }
